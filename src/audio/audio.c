#include "audio/audio.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/opt.h>
#include <libswresample/swresample.h>

#include "base/log.h"
#include "base/mem.h"

/* Containers that hold audio and name no other files. Demuxers that belong to none are refused
 * even where FFmpeg has them. */
static const char *const containers[] = {
    "aac",  "ac3",    "aiff", "amr",  "ape",           "asf",
    "au",   "avi",    "caf",  "dts",  "eac3",          "flac",
    "flv",  "loas",   "m4v",  "mp3",  "matroska,webm", "mov,mp4,m4a,3gp,3g2,mj2",
    "mpeg", "mpegts", "mpc",  "mpc8", "oga",           "ogg",
    "opus", "rm",     "sox",  "spx",  "tak",           "tta",
    "voc",  "w64",    "wav",  "wv",
};

enum {
    IO_BYTES = 64 << 10,
    PROBE_BYTES = 1 << 20,
    HEAD_BYTES = 16 << 20, /* at most, to find out what streams there are */
    MOST_CHANNELS = 64,    /* of the mixer */
    MOST_RATE = 768000,
    MOST_READY = 1 << 16, /* samples that are made of a piece of a frame */
    MOST_ERRORS = 100,    /* in packets one after another */
    SLICE_MS = 50,        /* between looks at `stop` */
    MOST_BLOCK = 200 << 20,
};

struct audio {
    char name[256], format[160];
    /* where bytes come from */
    int fd; /* negative: memory */
    bool own_fd, seekable;
    const uint8_t *data;
    int64_t size, pos;
    const atomic_bool *stop; /* or NULL */
    /* what they go through */
    AVIOContext *io;
    AVFormatContext *container;
    AVCodecContext *codec;
    SwrContext *mixer;
    AVChannelLayout layout; /* that the mixer is for */
    int rate, sample_format;
    AVPacket *packet;
    AVFrame *frame;
    int mixed; /* samples of the frame that were made ready */
    int stream;
    bool fed; /* the codec has been told that no packets follow */
    bool end;
    uint32_t errors;
    uint64_t given, max_samples;
    /* decoded samples that were not asked for yet */
    float *ready;
    size_t ready_at, ready_count, ready_room;
};

static enum status av_fail(const struct audio *a, const char *what, int error)
{
    char text[AV_ERROR_MAX_STRING_SIZE] = "";
    av_strerror(error, text, sizeof text);
    return status_fail(ERR, "%s: %s: %s", a->name, what, text);
}

/* ---- bytes -------------------------------------------------------------------------------- */

static bool is_stopped(const struct audio *a)
{
    return a->stop && atomic_load(a->stop);
}

/* Until a pipe or terminal has bytes, or its end is there. */
static bool wait_for_bytes(const struct audio *a)
{
    struct pollfd p = {.fd = a->fd, .events = POLLIN};
    while (!is_stopped(a)) {
        int n = poll(&p, 1, a->stop ? SLICE_MS : -1);
        if (n > 0 || (n < 0 && errno != EINTR))
            return true; /* what is wrong, the read says */
    }
    return false;
}

static int read_bytes(void *ctx, uint8_t *dst, int size)
{
    struct audio *a = ctx;
    if (is_stopped(a))
        return AVERROR_EXIT;
    if (a->fd < 0) {
        int64_t left = a->size - a->pos;
        int n = left < size ? (int)left : size;
        if (n <= 0)
            return AVERROR_EOF;
        memcpy(dst, a->data + a->pos, (size_t)n);
        a->pos += n;
        return n;
    }
    for (;;) {
        if (!a->seekable && !wait_for_bytes(a))
            return AVERROR_EXIT;
        ssize_t n =
            a->seekable ? pread(a->fd, dst, (size_t)size, a->pos) : read(a->fd, dst, (size_t)size);
        if (n < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (n > 0)
            a->pos += n;
        return n > 0 ? (int)n : n == 0 ? AVERROR_EOF : AVERROR(errno);
    }
}

static int64_t seek_bytes(void *ctx, int64_t offset, int whence)
{
    struct audio *a = ctx;
    switch (whence & ~AVSEEK_FORCE) {
    case AVSEEK_SIZE:
        return a->size;
    case SEEK_CUR:
        offset += a->pos;
        break;
    case SEEK_END:
        offset += a->size;
        break;
    default:
        break;
    }
    if (offset < 0 || offset > a->size)
        return AVERROR(EINVAL);
    a->pos = offset;
    return offset;
}

/* FFmpeg asks for another file or address: none is opened. */
static int open_nothing(AVFormatContext *s, AVIOContext **pb, const char *url, int flags,
                        AVDictionary **options)
{
    (void)s, (void)pb, (void)flags, (void)options;
    log_info("not opened on behalf of a media file: %s", url);
    return AVERROR(EPERM);
}

static enum status open_source(struct audio *a, const struct audio_params *p)
{
    struct stat st;
    a->fd = -1;
    a->stop = p->stop;
    if (!p->path) {
        snprintf(a->name, sizeof a->name, "%s", p->name ? p->name : "memory");
        a->data = p->data;
        a->size = (int64_t)p->bytes;
        a->seekable = true;
        return OK;
    }
    bool input = !strcmp(p->path, "-");
    snprintf(a->name, sizeof a->name, "%s", p->name ? p->name : input ? "standard input" : p->path);
    /* Not blocking: a pipe that nobody writes to yet is waited for where `stop` is looked at. */
    a->fd = input ? STDIN_FILENO : open(p->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    a->own_fd = !input;
    if (a->fd < 0 || fstat(a->fd, &st))
        return status_fail(ERR, "%s: cannot open: %s", a->name, strerror(errno));
    if (S_ISDIR(st.st_mode))
        return status_fail(ERR, "%s: is a directory", a->name);
    a->seekable = S_ISREG(st.st_mode);
    a->size = a->seekable ? st.st_size : 0;
    if (a->seekable && input)
        a->pos = lseek(a->fd, 0, SEEK_CUR);
    return OK;
}

/* ---- opening ------------------------------------------------------------------------------ */

static bool is_taken(const char *container)
{
    for (size_t i = 0; i < sizeof containers / sizeof *containers; i++) {
        if (!strcmp(container, containers[i]))
            return true;
    }
    return false;
}

static enum status open_container(struct audio *a)
{
    const AVInputFormat *kind = NULL;
    uint8_t *buf = av_malloc(IO_BYTES);
    a->io = buf ? avio_alloc_context(buf, IO_BYTES, 0, a, read_bytes, NULL,
                                     a->seekable ? seek_bytes : NULL)
                : NULL;
    if (!a->io) {
        av_free(buf);
        return status_fail(ERR_MEMORY, "%s: no memory to read it", a->name);
    }
    a->io->seekable = a->seekable ? AVIO_SEEKABLE_NORMAL : 0;
    int e = av_probe_input_buffer2(a->io, &kind, "", NULL, 0, PROBE_BYTES);
    if (e < 0 && e != AVERROR_INVALIDDATA)
        return av_fail(a, "cannot be read", e);
    if (e < 0)
        return status_fail(ERR, "%s: is no audio or video file of a known kind", a->name);
    if (!is_taken(kind->name) || (kind->flags & AVFMT_NOFILE))
        return status_fail(ERR, "%s: is of the kind '%s', which is not taken", a->name, kind->name);
    a->container = avformat_alloc_context();
    if (!a->container)
        return status_fail(ERR_MEMORY, "%s: no memory to read it", a->name);
    a->container->pb = a->io;
    a->container->flags |= AVFMT_FLAG_CUSTOM_IO;
    a->container->io_open = open_nothing;
    a->container->probesize = HEAD_BYTES;
    a->container->format_whitelist = av_strdup(kind->name);
    a->container->protocol_whitelist = av_strdup("none");
    e = avformat_open_input(&a->container, "", kind, NULL); /* frees it on failure */
    if (e < 0)
        return av_fail(a, kind->name, e);
    e = avformat_find_stream_info(a->container, NULL);
    return e < 0 ? av_fail(a, "its streams", e) : OK;
}

static enum status open_codec(struct audio *a)
{
    const AVCodec *decoder = NULL;
    a->stream = av_find_best_stream(a->container, AVMEDIA_TYPE_AUDIO, -1, -1, &decoder, 0);
    if (a->stream == AVERROR_STREAM_NOT_FOUND)
        return status_fail(ERR, "%s: holds no audio (%s)", a->name, a->container->iformat->name);
    if (a->stream < 0 || !decoder)
        return status_fail(ERR, "%s: its audio is in a form that no decoder is there for", a->name);
    for (uint32_t i = 0; i < a->container->nb_streams; i++) {
        if ((int)i != a->stream)
            a->container->streams[i]->discard = AVDISCARD_ALL;
    }
    const AVCodecParameters *par = a->container->streams[a->stream]->codecpar;
    a->codec = avcodec_alloc_context3(decoder);
    a->packet = av_packet_alloc();
    a->frame = av_frame_alloc();
    if (!a->codec || !a->packet || !a->frame)
        return status_fail(ERR_MEMORY, "%s: no memory to decode it", a->name);
    int e = avcodec_parameters_to_context(a->codec, par);
    if (e >= 0)
        e = avcodec_open2(a->codec, decoder, NULL);
    if (e < 0)
        return av_fail(a, decoder->name, e);
    snprintf(a->format, sizeof a->format, "%s / %s, %d Hz, %d channels",
             a->container->iformat->name, decoder->name, par->sample_rate,
             par->ch_layout.nb_channels);
    return OK;
}

enum status audio_open(const struct audio_params *params, struct audio **out)
{
    enum status s = OK;
    *out = NULL;
    struct audio *a = mem_alloc(sizeof *a);
    if (!a)
        return ERR_MEMORY;
    a->fd = -1;
    av_log_set_level(AV_LOG_QUIET); /* what goes wrong is in the message */
    av_max_alloc(MOST_BLOCK);
    TRY_GOTO(open_source(a, params));
    if (a->seekable && a->size == 0)
        TRY_GOTO(status_fail(ERR, "%s: is empty (0 bytes)", a->name));
    TRY_GOTO(open_container(a));
    TRY_GOTO(open_codec(a));
    a->max_samples = params->max_seconds > 0 ? (uint64_t)(params->max_seconds * AUDIO_RATE) : 0;
    *out = a;
    return OK;
fail:
    audio_close(&a);
    return s;
}

void audio_close(struct audio **audio)
{
    struct audio *a = *audio;
    if (!a)
        return;
    avcodec_free_context(&a->codec);
    avformat_close_input(&a->container);
    if (a->io)
        av_freep(&a->io->buffer);
    avio_context_free(&a->io);
    swr_free(&a->mixer);
    av_channel_layout_uninit(&a->layout);
    av_packet_free(&a->packet);
    av_frame_free(&a->frame);
    if (a->own_fd && a->fd >= 0)
        close(a->fd);
    mem_free(a->ready);
    mem_free(a);
    *audio = NULL;
}

double audio_seconds(const struct audio *a)
{
    int64_t t = a->container->duration;
    return t == AV_NOPTS_VALUE || t < 0 ? -1 : (double)t / AV_TIME_BASE;
}

const char *audio_format(const struct audio *a)
{
    return a->format;
}

/* ---- samples ------------------------------------------------------------------------------ */

/* Room for `more` samples behind those that are ready. */
static enum status make_room(struct audio *a, size_t more)
{
    if (a->ready_at) {
        a->ready_count -= a->ready_at;
        memmove(a->ready, a->ready + a->ready_at, a->ready_count * sizeof *a->ready);
        a->ready_at = 0;
    }
    if (a->ready_count + more <= a->ready_room)
        return OK;
    float *p = mem_realloc(a->ready, (a->ready_count + more) * sizeof *p);
    if (!p)
        return ERR_MEMORY;
    a->ready = p;
    a->ready_room = a->ready_count + more;
    return OK;
}

/* n samples in the frame's form, or with data NULL what the resampler still holds, made ready. */
static enum status mix_piece(struct audio *a, const uint8_t **data, int n)
{
    int most = swr_get_out_samples(a->mixer, n);
    if (most < 0)
        return av_fail(a, "resampling", most);
    TRY(make_room(a, (size_t)most));
    uint8_t *dst = (uint8_t *)(a->ready + a->ready_count);
    int made = swr_convert(a->mixer, &dst, most, data, n);
    if (made < 0)
        return av_fail(a, "resampling", made);
    for (int i = 0; i < made; i++) {
        float *v = &a->ready[a->ready_count + (size_t)i];
        *v = isfinite(*v) ? *v : 0.0f;
    }
    a->ready_count += (size_t)made;
    return OK;
}

/* What the resampler still holds. */
static enum status flush(struct audio *a)
{
    return a->mixer ? mix_piece(a, NULL, 0) : OK;
}

/* The next piece of the frame: a sample of a low rate becomes many, so that they are not made of
 * all of it at once. */
static enum status mix(struct audio *a)
{
    const AVFrame *f = a->frame;
    const uint8_t *data[MOST_CHANNELS];
    enum AVSampleFormat format = (enum AVSampleFormat)f->format;
    bool planar = av_sample_fmt_is_planar(format);
    int channels = f->ch_layout.nb_channels, left = f->nb_samples - a->mixed;
    int size = av_get_bytes_per_sample(format) * (planar ? 1 : channels);
    int64_t most = (int64_t)MOST_READY * a->rate / AUDIO_RATE;
    int n = most < 1 ? 1 : most < left ? (int)most : left;
    for (int i = 0; i < (planar ? channels : 1); i++)
        data[i] = f->extended_data[i] + (int64_t)a->mixed * size;
    a->mixed += n;
    return left ? mix_piece(a, data, n) : OK;
}

/* A mixer for frames like this one; rate, channels and format may change within a file. */
static enum status set_mixer(struct audio *a, const AVFrame *f)
{
    if (a->mixer && f->sample_rate == a->rate && f->format == a->sample_format &&
        !av_channel_layout_compare(&f->ch_layout, &a->layout))
        return OK;
    if (f->sample_rate < 1 || f->sample_rate > MOST_RATE)
        return status_fail(ERR, "%s: %d samples a second, expected 1 to %d", a->name,
                           f->sample_rate, MOST_RATE);
    if (f->ch_layout.nb_channels < 1 || f->ch_layout.nb_channels > MOST_CHANNELS)
        return status_fail(ERR, "%s: %d channels, expected 1 to %d", a->name,
                           f->ch_layout.nb_channels, MOST_CHANNELS);
    TRY(flush(a));
    swr_free(&a->mixer);
    AVChannelLayout mono = AV_CHANNEL_LAYOUT_MONO, from = {0};
    if (f->ch_layout.order == AV_CHANNEL_ORDER_UNSPEC)
        av_channel_layout_default(&from, f->ch_layout.nb_channels);
    int e = from.nb_channels ? 0 : av_channel_layout_copy(&from, &f->ch_layout);
    if (e >= 0)
        e = swr_alloc_set_opts2(&a->mixer, &mono, AV_SAMPLE_FMT_FLT, AUDIO_RATE, &from,
                                (enum AVSampleFormat)f->format, f->sample_rate, 0, NULL);
    /* Mixed channels add up to 1 at most, as with samples of 16 bits. */
    if (e >= 0)
        e = av_opt_set_double(a->mixer, "rematrix_maxval", 1.0, 0);
    if (e >= 0)
        e = swr_init(a->mixer);
    av_channel_layout_uninit(&from);
    if (e >= 0)
        e = av_channel_layout_copy(&a->layout, &f->ch_layout);
    a->rate = f->sample_rate;
    a->sample_format = f->format;
    return e < 0 ? av_fail(a, "mixing to one channel of 16 kHz", e) : OK;
}

/* One more packet for the codec, or the word that there are none. */
static enum status feed(struct audio *a)
{
    int e = av_read_frame(a->container, a->packet);
    if (e == AVERROR_EOF || (e < 0 && a->io->eof_reached)) {
        a->fed = true;
        e = avcodec_send_packet(a->codec, NULL);
        return e < 0 && e != AVERROR_EOF ? av_fail(a, "decoding", e) : OK;
    }
    if (e < 0)
        return av_fail(a, "reading", e);
    if (a->packet->stream_index == a->stream) {
        e = avcodec_send_packet(a->codec, a->packet);
        /* A packet that is damaged is left out, as players do; a file of nothing else is not. */
        a->errors = e < 0 ? a->errors + 1 : 0;
    } else {
        e = 0;
    }
    av_packet_unref(a->packet);
    return a->errors > MOST_ERRORS ? av_fail(a, "decoding", e) : OK;
}

/* Makes more samples ready, or sets a->end. */
static enum status decode(struct audio *a)
{
    if (a->mixed < a->frame->nb_samples)
        return mix(a);
    av_frame_unref(a->frame);
    a->mixed = 0;
    int e = avcodec_receive_frame(a->codec, a->frame);
    if (e == AVERROR(EAGAIN) && !a->fed)
        return feed(a);
    if (e == AVERROR_EOF || e == AVERROR(EAGAIN)) {
        a->end = true;
        return flush(a);
    }
    if (e < 0) {
        a->errors++;
        return a->errors > MOST_ERRORS ? av_fail(a, "decoding", e) : OK;
    }
    enum status s = set_mixer(a, a->frame);
    if (s != OK)
        av_frame_unref(a->frame);
    return s;
}

enum status audio_read(struct audio *a, float *dst, size_t max, size_t *count)
{
    *count = 0;
    while (*count < max) {
        size_t n = a->ready_count - a->ready_at;
        if (n > max - *count)
            n = max - *count;
        if (n) {
            memcpy(dst + *count, a->ready + a->ready_at, n * sizeof *dst);
            a->ready_at += n;
            *count += n;
        } else if (a->end) {
            break;
        } else {
            TRY(decode(a));
        }
    }
    a->given += *count;
    if (a->max_samples && a->given > a->max_samples)
        return status_fail(ERR, "%s: holds more than %.0f seconds of audio", a->name,
                           (double)a->max_samples / AUDIO_RATE);
    return OK;
}
