#!/usr/bin/env python3
"""Writes the seeds of the fuzzer of media files, a few hundred bytes each: audio_corpus.py [FOLDER]

The default folder is corpus/audio beside this script; files there that are not seeds are left
alone."""
import math
import os
import struct
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TONE = [int(9000 * math.sin(i / 5)) for i in range(96)]


def wav(rate=16000, channels=1, bits=16, kind=1, data=None, size=None):
    data = struct.pack('<96h', *TONE) if data is None else data
    align = channels * bits // 8
    return b'RIFF' + struct.pack('<I', 36 + len(data)) + b'WAVEfmt ' + struct.pack(
        '<IHHIIHH', 16, kind, channels, rate, rate * align, align, bits) + b'data' + struct.pack(
        '<I', len(data) if size is None else size) + data


def au(rate=8000, encoding=3):
    return b'.snd' + struct.pack('>5I', 24, 192, encoding, rate, 1) + struct.pack('>96h', *TONE)


def aiff():
    rate = struct.pack('>HQ', 16383 + 13, 16000 << (63 - 13))
    comm = struct.pack('>HIH', 1, 96, 16) + rate
    ssnd = struct.pack('>II', 0, 0) + struct.pack('>96h', *TONE)
    body = b'AIFFCOMM' + struct.pack('>I', len(comm)) + comm
    body += b'SSND' + struct.pack('>I', len(ssnd)) + ssnd
    return b'FORM' + struct.pack('>I', len(body)) + body


def caf():
    desc = struct.pack('>d4sIIIII', 16000, b'lpcm', 0, 2, 1, 1, 16)
    data = struct.pack('>I', 0) + struct.pack('>96h', *TONE)
    return (b'caff' + struct.pack('>HH', 1, 0) + b'desc' + struct.pack('>Q', len(desc)) + desc
            + b'data' + struct.pack('>Q', len(data)) + data)


def atom(name, *parts):
    body = b''.join(parts)
    return struct.pack('>I', 8 + len(body)) + name + body


def mp4(edits=((96, 0),)):
    """One track of 16 bits at 16 kHz, and an edit list."""
    def table(name, *values):
        return atom(name, struct.pack(f'>{len(values) + 1}I', 0, *values))
    samples = struct.pack('>96h', *TONE)
    ftyp = atom(b'ftyp', b'M4A \0\0\0\0M4A ')
    entry = atom(b'sowt', bytes(6), struct.pack('>H8xHHHHI', 1, 1, 16, 0, 0, 16000 << 16))
    stbl = atom(b'stbl', atom(b'stsd', struct.pack('>II', 0, 1), entry), table(b'stts', 1, 96, 1),
                table(b'stsc', 1, 1, 96, 1), table(b'stsz', 2, 96),
                table(b'stco', 1, len(ftyp) + 8))
    elst = atom(b'elst', struct.pack('>II', 0, len(edits)),
                *(struct.pack('>Iihh', d, t, 1, 0) for d, t in edits))
    mdia = atom(b'mdia', atom(b'mdhd', struct.pack('>IIIIIHH', 0, 0, 0, 16000, 96, 0, 0)),
                atom(b'hdlr', bytes(8), b'soun', bytes(13)),
                atom(b'minf', atom(b'smhd', bytes(8)), stbl))
    tkhd = atom(b'tkhd', struct.pack('>IIIIII', 1, 0, 0, 1, 0, 96), bytes(60))
    mvhd = atom(b'mvhd', struct.pack('>IIIII', 0, 0, 0, 16000, 96), bytes(80))
    moov = atom(b'moov', mvhd, atom(b'trak', tkhd, atom(b'edts', elst), mdia))
    return ftyp + atom(b'mdat', samples) + moov


def seeds():
    yield 'empty', b''
    yield 'wav', wav()
    yield 'wav-8-channels', wav(channels=8)
    yield 'wav-1-hz', wav(rate=1, data=b'\1\2' * 4)
    yield 'wav-floats', wav(bits=32, kind=3, data=struct.pack('<4f', math.nan, math.inf, 1e38, 0.5))
    yield 'wav-alaw', wav(bits=8, kind=6)
    yield 'wav-adpcm', wav(bits=4, kind=17, data=bytes(range(256)))
    yield 'wav-endless', wav(size=0xffffffff)
    yield 'au', au()
    yield 'au-mulaw', au(encoding=1)
    yield 'aiff', aiff()
    yield 'caf', caf()
    yield 'mp4', mp4()
    yield 'mp4-edits', mp4(((96, 0), (96, 0), (48, -1), (0, 50), (2**31, 90)))
    yield 'voc', b'Creative Voice File\x1a' + struct.pack('<HHH', 26, 0x10a, 0x1129) + \
        b'\1' + struct.pack('<I', 66)[:3] + bytes([131, 0]) + bytes(range(64)) + b'\0'
    yield 'playlist', b'#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n/etc/passwd\n'
    yield 'concat', b"ffconcat version 1.0\nfile '/etc/passwd'\n"


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.join(HERE, 'corpus', 'audio')
    os.makedirs(folder, exist_ok=True)
    for name, content in seeds():
        with open(os.path.join(folder, name), 'wb') as out:
            out.write(content)


if __name__ == '__main__':
    main()
