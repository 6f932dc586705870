#!/usr/bin/env python3
"""Media files as samples: media.py READ

READ is tests/audio/read. What it gives is held against what Python's own `wave` holds, and where
the ffmpeg program is there against what that decodes, over containers, codecs, rates and channels;
from files, pipes and memory. Then what must be refused, and what must not fall over."""
import array
import json
import math
import os
import random
import struct
import subprocess
import sys
import tempfile
import wave

HERE = os.path.dirname(os.path.abspath(__file__))
CORPUS = os.path.join(HERE, '../fuzz/corpus/audio')
sys.path.insert(0, os.path.join(HERE, '../fuzz'))
from audio_corpus import mp4  # noqa: E402

READ = sys.argv[1]
FFMPEG = '/usr/bin/ffmpeg'
RATE = 16000
failed = number = 0


def check(name, good, said=''):
    global failed, number
    number += 1
    failed += not good
    print('%s %d - %s' % ('ok' if good else 'not ok', number, name))
    if not good:
        print('#', said)


def run(*arguments, **more):
    return subprocess.run([READ, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=120, check=False, **more)


def facts(path, *options, stdin=None):
    """(status, samples, digest, format, message), or None where it crashed"""
    done = run(*options, path, stdin=stdin)
    lines = done.stdout.decode('utf-8', 'replace').splitlines()
    if done.returncode or not lines:
        return None
    status, samples, digest, kind, message = lines[0].split('\t', 4)
    return int(status), int(samples), digest, kind, message


def samples(path):
    got = array.array('f')
    got.frombytes(run('--samples', path).stdout)
    return got


def tone(seconds, rate, channels):
    n = int(seconds * rate)
    return [int(12000 * math.sin(2 * math.pi * (220 + 110 * c) * i / rate))
            for i in range(n) for c in range(channels)]


def write_wav(path, values, rate=RATE, channels=1):
    with wave.open(path, 'wb') as w:
        w.setnchannels(channels)
        w.setsampwidth(2)
        w.setframerate(rate)
        w.writeframes(struct.pack('<%dh' % len(values), *values))
    return path


def plain(folder):
    values = [random.Random(1).randrange(-32768, 32768) for _ in range(40000)]
    path = write_wav(folder + '/plain.wav', values)
    check('16 kHz mono is given as it is', list(samples(path)) == [v / 32768 for v in values])
    whole = facts(path)
    check('format', whole and whole[3] == 'wav / pcm_s16le, 16000 Hz, 1 channels', whole)
    check('memory gives the same', facts(path, '--memory') == whole)
    with open(path, 'rb') as f:
        check('standard input gives the same', facts('-', stdin=f)[:3] == whole[:3])
    cat = subprocess.Popen(['cat', path], stdout=subprocess.PIPE)
    check('a pipe gives the same', facts('-', stdin=cat.stdout)[:3] == whole[:3])
    cat.stdout.close()
    cat.wait()


def lengths(folder):
    for n in [1, 199, 200, 399, 400, 401, RATE, 30 * RATE - 160, 30 * RATE, 30 * RATE + 160]:
        got = facts(write_wav(folder + '/n.wav', [1000] * n))
        check('%d samples' % n, got and got[:2] == (0, n), got)
    got = facts(write_wav(folder + '/n.wav', []))
    check('0 samples', got and (got[0] == 1 or got[:2] == (0, 0)), got)


def rates(folder):
    for rate, channels in [(8000, 1), (7999, 1), (11025, 2), (22050, 1), (44100, 2), (48000, 6),
                           (96000, 2), (192000, 1), (16000, 8), (100, 1), (1, 1)]:
        seconds = 2 if rate >= 100 else 30
        path = write_wav(folder + '/r.wav', tone(seconds, rate, channels), rate, channels)
        got = facts(path)
        right = got and got[0] == 0 and abs(got[1] - seconds * RATE) <= 64 * max(1, RATE / rate)
        check('%d Hz, %d channels' % (rate, channels), right, got)
    got = facts(write_wav(folder + '/c.wav', [0] * 2550, RATE, 255))
    check('255 channels are refused', got and got[0] == 1 and '255' in got[4], got)


def level(folder):
    """A tone keeps its pitch and size through mixing and resampling."""
    path = write_wav(folder + '/t.wav', [v for x in tone(2, 44100, 1) for v in (x, x)], 44100, 2)
    got = samples(path)[RATE // 2:RATE]
    want = [12000 / 32768 * math.sin(2 * math.pi * 220 * (RATE // 2 + i) / RATE)
            for i in range(len(got))]
    worst = max(abs(a - b) for a, b in zip(got, want))
    check('a tone of 44.1 kHz stereo', worst < 0.002, 'off by %g' % worst)


def numbers(folder):
    """Samples that are no numbers, or very large ones."""
    values = [0.5, math.nan, math.inf, -math.inf, 1e38, -1e38, 1e-40, 0.25]
    data = struct.pack('<8f', *values)
    head = b'RIFF' + struct.pack('<I', 36 + len(data)) + b'WAVEfmt ' + struct.pack(
        '<IHHIIHH', 16, 3, 1, RATE, RATE * 4, 4, 32) + b'data' + struct.pack('<I', len(data))
    with open(folder + '/f.wav', 'wb') as f:
        f.write(head + data)
    got = list(samples(folder + '/f.wav'))
    check('no numbers become 0', len(got) == 8 and got[:4] == [0.5, 0, 0, 0] and got[7] == 0.25 and
          all(math.isfinite(v) for v in got), got)


def damaged(folder):
    path = write_wav(folder + '/d.wav', tone(1, RATE, 1))
    with open(path, 'rb') as f:
        whole = f.read()

    def wav(name, data, statuses):
        with open(folder + '/x.wav', 'wb') as out:
            out.write(data)
        got = facts(folder + '/x.wav')
        check(name, got and got[0] in statuses and (got[0] == 0 or 'x.wav' in got[4]), got)

    for size in [0, 1, 0xFFFFFFFF, 0x7FFFFFFF, len(whole) - 44 - 1]:
        wav('data of %d bytes' % size, whole[:40] + struct.pack('<I', size) + whole[44:], [0, 1])
    wav('block_align 0', whole[:32] + b'\0\0' + whole[34:], [0, 1])
    wav('0 channels', whole[:22] + b'\0\0' + whole[24:], [1])
    wav('0 Hz', whole[:24] + b'\0\0\0\0' + whole[28:], [0, 1])
    wav('2^31 Hz', whole[:24] + b'\0\0\0\x80' + whole[28:], [1])
    for i in list(range(0, 44)) + [100, 20001]:
        wav('cut at %d' % i, whole[:i], [1] if i < 44 else [0])
    rng = random.Random(3)
    for i in range(100):
        data = bytearray(whole[:4000])
        for _ in range(rng.randrange(1, 6)):
            data[rng.randrange(44)] = rng.randrange(256)
        wav('damage %d' % i, bytes(data), [0, 1])


def atoms(data):
    """Positions of what looks like an atom's size, of MP4 and its kin and of chunks."""
    names = (b'ftyp', b'moov', b'mdat', b'trak', b'mdia', b'stbl', b'stsd', b'stts', b'stsz',
             b'stco', b'elst', b'FORM', b'COMM', b'SSND', b'desc', b'data', b'free', b'udta')
    for name in names:
        at = data.find(name)
        if at >= 4:
            yield name.decode(), at - 4
        if at >= 0:
            yield name.decode() + ' behind', at + 4


def sizes(folder):
    """A65: sizes of 0, 2^31, 2^32 - 1, and for 64 bits 2^63 where parts of a file say how long they
    are; lists of edits that go round."""
    for name in ('mp4', 'mp4-edits', 'aiff', 'caf', 'wav'):
        with open(os.path.join(CORPUS, name), 'rb') as f:
            good = f.read()
        paths = []
        for where, at in atoms(good):
            for value in (b'\0\0\0\0', b'\0\0\0\1', b'\x7f\xff\xff\xff', b'\xff\xff\xff\xff',
                          b'\x80\0\0\0\0\0\0\0'):
                paths.append('%s/%s-%s-%s' % (folder, name, where.replace(' ', '-'), value.hex()))
                with open(paths[-1], 'wb') as f:
                    f.write(good[:at] + value + good[at + len(value):])
        done = run(*paths)  # one line a file
        lines = [line.split('\t') for line in done.stdout.decode('utf-8', 'replace').splitlines()]
        check('%d sizes in %s' % (len(paths), name), done.returncode == 0 and paths and
              len(lines) == len(paths) and all(line[0] in '01' and int(line[1]) <= 3601 * RATE
                                               for line in lines), lines[-1:])
    for edits in ([(96, 0)] * 500, [(0, 0)] * 50, [(2**31, 0), (2**32 - 1, 90)],
                  [(96, -1)] * 100, [(10, 2**31 - 1)], [(1, 95 - i % 96) for i in range(2000)]):
        with open(folder + '/e.mp4', 'wb') as f:
            f.write(mp4(edits))
        got = facts(folder + '/e.mp4')
        check('%d edits, the first %s' % (len(edits), edits[0]), got and got[0] in (0, 1), got)


def caps(folder):
    """A64: what is decoded is counted while it is: an hour is given, a sample more is not."""
    for samples, status in ((3600 * RATE, 0), (3600 * RATE + 1, 1), (2 * 3600 * RATE, 1)):
        path = write_wav(folder + '/hole.wav', [])
        with open(path, 'r+b') as f:
            f.seek(40)
            f.write(struct.pack('<I', 2 * samples))
            f.truncate(44 + 2 * samples)
        got = facts(path)
        check('%d samples of at most %d' % (samples, 3600 * RATE), got and got[0] == status and
              abs(got[1] - 3600 * RATE) < RATE and (not status or '3600 seconds' in got[4]), got)
    os.remove(path)


def names(folder):
    """A66: a path is a path, whatever FFmpeg would make of it."""
    secret = write_wav(folder + '/secret.wav', tone(1, RATE, 1))
    for path in ('concat:' + secret, 'file:' + secret, 'subfile,,start,0,end,0,,:' + secret,
                 'http://127.0.0.1:9/a.wav', 'data:audio/wav;base64,UklGRg==', 'pipe:0',
                 'cache:' + secret, folder + '/secret%d.wav', 'lavfi', 'crypto:' + secret):
        got = facts(path)
        check('%s is no file' % path[:20].replace(folder, ''), got and got[0] == 1 and
              'cannot open' in got[4], got)
    got = facts(write_wav(folder + '/a%03d.wav', tone(1, RATE, 1)))
    check('a name that looks like a pattern', got and got[:2] == (0, RATE), got)


def refused(folder):
    write_wav(folder + '/secret.wav', tone(1, RATE, 1))
    for name, text in [
        ('a.m3u8', '#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nsecret.wav\n#EXT-X-ENDLIST\n'),
        ('a.ffconcat', "ffconcat version 1.0\nfile 'secret.wav'\n"),
        ('a.mpd', '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" '
                  'type="static"><Period/></MPD>\n'),
        ('a.sdp', 'v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n'
                  'm=audio 5004 RTP/AVP 0\n'),
        ('a.txt', 'Just some text, no audio.\n' * 50),
        ('a.json', json.dumps({'file': 'secret.wav'})),
    ]:
        with open(os.path.join(folder, name), 'w', encoding='ascii') as f:
            f.write(text)
        got = facts(os.path.join(folder, name))
        check(name + ' is refused', got and got[0] == 1 and name in got[4], got)
    for path in [folder, folder + '/nothing.wav', '/dev/null']:
        got = facts(path)
        check('%s is refused' % os.path.basename(path), got and got[0] == 1, got)
    open(folder + '/empty.wav', 'wb').close()
    got = facts(folder + '/empty.wav')
    check('an empty file', got and got[0] == 1 and '0 bytes' in got[4], got)
    got = facts(folder + '/empty.wav', '--memory')
    check('empty memory', got and got[0] == 1 and '0 bytes' in got[4], got)


def encoded(folder):
    """Against the ffmpeg program."""
    if not os.path.exists(FFMPEG):
        print('# no ffmpeg: other formats than wav are not tried')
        return

    def ffmpeg(*arguments):
        return subprocess.run([FFMPEG, '-v', 'error', '-y', *arguments], check=True,
                              stdout=subprocess.PIPE).stdout

    source = write_wav(folder + '/source.wav', tone(3, 44100, 2), 44100, 2)
    for name, *options in [('a.mp3',), ('a.m4a',), ('a.ogg',), ('a.opus',), ('a.flac',),
                           ('a.webm',), ('a.mkv', '-c:a', 'flac'), ('a.mka', '-c:a', 'pcm_s24le'),
                           ('a.mp4',), ('a.aac',), ('a.aiff',), ('a.au',), ('a.w64',), ('a.wv',),
                           ('a.caf',), ('a.ac3',), ('a.mpg', '-c:a', 'mp2'), ('a.ts',),
                           ('a.avi',), ('u8.wav', '-c:a', 'pcm_u8'),
                           ('f64.wav', '-c:a', 'pcm_f64le'), ('adpcm.wav', '-c:a', 'adpcm_ms')]:
        path = os.path.join(folder, name)
        ffmpeg('-i', source, *options, path)
        want = array.array('h')
        want.frombytes(ffmpeg('-i', path, '-ac', '1', '-ar', str(RATE), '-f', 's16le', '-'))
        got = samples(path)
        near = max((abs(a - b / 32768) for a, b in zip(got, want)), default=1)
        check(name + ' as ffmpeg gives it', abs(len(got) - len(want)) <= 400 and near < 1e-3,
              '%d samples of %d, off by %g' % (len(got), len(want), near))
        same = facts(path, '--memory')
        check(name + ' from memory', same and same[:2] == (0, len(got)), same)
    ffmpeg('-f', 'lavfi', '-i', 'color=size=64x64:duration=1', folder + '/video.mp4')
    got = facts(folder + '/video.mp4')
    check('video without audio', got and got[0] == 1 and 'no audio' in got[4], got)
    with open(folder + '/a.mp3', 'rb') as f:
        mp3 = f.read()
    rng = random.Random(4)
    for i in range(20):
        data = bytearray(mp3)
        for _ in range(50):
            data[rng.randrange(len(data))] = rng.randrange(256)
        with open(folder + '/damaged.mp3', 'wb') as f:
            f.write(data)
        got = facts(folder + '/damaged.mp3')
        check('damaged mp3 %d' % i, got and got[0] in (0, 1), got)


def changing(folder):
    """A62, A67: rate and channels that change on the way, pictures, what is encrypted."""
    if not os.path.exists(FFMPEG):
        return

    def ffmpeg(*arguments):
        subprocess.run([FFMPEG, '-v', 'error', '-y', *arguments], check=True)
        return arguments[-1]

    whole = b''
    for i, (rate, channels) in enumerate([(44100, 2), (22050, 1), (48000, 2), (16000, 1)]):
        source = write_wav(folder + '/part.wav', tone(1, rate, channels), rate, channels)
        with open(ffmpeg('-i', source, '-write_xing', '0', '-id3v2_version', '0',
                         folder + '/part%d.mp3' % i), 'rb') as f:
            whole += f.read()
    with open(folder + '/changing.mp3', 'wb') as f:
        f.write(whole)
    got = facts(folder + '/changing.mp3')
    check('an mp3 of four rates', got and got[0] == 0 and abs(got[1] - 4 * RATE) < RATE // 2, got)
    source = write_wav(folder + '/source.wav', tone(2, 44100, 2), 44100, 2)
    picture = ffmpeg('-f', 'lavfi', '-i', 'color=size=16x16:duration=1', '-frames:v', '1',
                     folder + '/cover.png')
    path = ffmpeg('-i', source, '-i', picture, '-map', '0', '-map', '1', '-disposition:v',
                  'attached_pic', folder + '/picture.mp3')
    got = facts(path)
    check('an attached picture', got and got[0] == 0 and abs(got[1] - 2 * RATE) < 1200, got)
    path = ffmpeg('-i', source, '-encryption_scheme', 'cenc-aes-ctr', '-encryption_key', '0' * 32,
                  '-encryption_kid', '1' * 32, folder + '/secret.mp4')
    got = facts(path)
    check('encrypted', got and got[0] in (0, 1), got)


def main():
    with tempfile.TemporaryDirectory() as folder:
        for part in [plain, lengths, rates, level, numbers, damaged, refused, encoded, sizes, caps,
                     names, changing]:
            part(folder)
    print('1..%d' % number)
    sys.exit(1 if failed else 0)


main()
