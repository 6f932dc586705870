/* Fuzz target of the tokenizers: an input is a small vocabulary and a text.
 *
 *   byte 0   flags: 1 byte-level BPE, 2 with a token for each byte, 4 special tokens are parsed,
 *            8 add bos, 16 add eos, 32 add a space prefix, 64 only the second half is template
 *   byte 1   pre-tokenizer;  2, 3 how many tokens and merges;  4 to 7 bos, eos, unknown, padding
 *   tokens   kind, score, length, bytes;  merges  length, bytes;  the rest is the text
 *
 * What is made must hold: ids in range, streamed text is UTF-8, and with a token for each byte in
 * byte-level BPE a valid text comes back as it was. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "text/chat.h"
#include "text/pre.h"
#include "text/tok.h"
#include "text/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BPE = 1, BYTES = 2, SPECIAL = 4, BOS = 8, EOS = 16, PREFIX = 32, PARTS = 64 };
enum { MOST_TOKENS = 256 + 255 };

struct input {
    const uint8_t *at, *end;
    struct tok_vocab v;
    struct tok_str text[MOST_TOKENS], merges[255];
    float scores[MOST_TOKENS];
    int32_t kinds[MOST_TOKENS];
    char names[256][8];
    bool plain; /* no token besides those of the bytes */
};

static int next(struct input *in)
{
    return in->at < in->end ? *in->at++ : 0;
}

static struct tok_str next_str(struct input *in)
{
    size_t len = (size_t)next(in), left = (size_t)(in->end - in->at);
    struct tok_str s = {(const char *)in->at, len < left ? len : left};
    in->at += s.len;
    return s;
}

static void add_bytes(struct input *in, bool bpe)
{
    uint32_t other = 0x100;
    for (uint32_t c = 0; c < 256; c++) {
        bool own = (c >= 0x21 && c <= 0x7e) || (c >= 0xa1 && c <= 0xac) || c >= 0xae;
        char *name = in->names[c];
        size_t len = 6;
        if (bpe) {
            len = utf8_put(name, own ? c : other++);
        } else {
            static const char hex[] = "0123456789ABCDEF";
            memcpy(name, "<0x00>", 6);
            name[3] = hex[c >> 4];
            name[4] = hex[c & 15];
        }
        in->text[c] = (struct tok_str){name, len};
        in->kinds[c] = bpe ? TOK_NORMAL : TOK_BYTE;
        in->scores[c] = 0;
    }
    in->v.n_tokens = 256;
}

static void read_vocab(struct input *in, int flags)
{
    uint32_t pre = (uint32_t)next(in), n_pre = 0;
    while (tok_pre_name(n_pre))
        n_pre++;
    in->v = (struct tok_vocab){.family = flags & BPE ? TOK_BPE : TOK_SPM,
                               .pre = pre == 255 ? "none" : tok_pre_name(pre % n_pre),
                               .text = in->text,
                               .scores = in->scores,
                               .kinds = in->kinds,
                               .merges = in->merges,
                               .add_bos = flags & BOS,
                               .add_eos = flags & EOS,
                               .add_space_prefix = flags & PREFIX,
                               .file = "fuzz"};
    int n_tokens = next(in), n_merges = next(in);
    in->v.bos = (int8_t)next(in);
    in->v.eos = (int8_t)next(in);
    in->v.unk = (int8_t)next(in);
    in->v.pad = (int8_t)next(in);
    in->plain = n_tokens == 0;
    if (flags & BYTES)
        add_bytes(in, flags & BPE);
    for (int i = 0; i < n_tokens; i++) {
        uint32_t id = in->v.n_tokens++;
        in->kinds[id] = next(in) % 8;
        in->scores[id] = (float)(int8_t)next(in);
        in->text[id] = next_str(in);
    }
    for (int i = 0; i < n_merges; i++)
        in->merges[in->v.n_merges++] = next_str(in);
}

static void require(bool ok)
{
    if (!ok)
        abort();
}

/* The streamed text of ids; returns its length. */
static size_t decode(const struct tok *t, const int32_t *ids, size_t n, bool special, char **out)
{
    size_t room = 64, len = 0;
    for (size_t i = 0; i < n; i++)
        room += TOK_STREAM_ROOM(tok_piece(t, ids[i], special).len);
    *out = malloc(room);
    require(*out != NULL);
    struct tok_stream s;
    tok_stream_init(&s, t, special);
    for (size_t i = 0; i < n; i++)
        len += tok_stream_push(&s, ids[i], *out + len, room - len);
    return len + tok_stream_finish(&s, *out + len, room - len);
}

static bool is_utf8(const char *s, size_t len)
{
    for (size_t i = 0, k; i < len; i += k)
        if ((k = utf8_char(s + i, len - i)) == 0)
            return false;
    return true;
}

static void run(const struct input *in, int flags, const struct tok *t)
{
    const char *text = (const char *)in->at;
    size_t len = (size_t)(in->end - in->at), n = 0;
    const struct chat_part parts[] = {{0, len / 2, false}, {len / 2, len, true}};
    struct tok_encode_params p = {
        .special = flags & SPECIAL, .parts = flags & PARTS ? parts : NULL, .n_parts = 2};
    int32_t *ids = NULL;
    if (tok_encode(t, text, len, &p, &ids, &n) != OK)
        return;
    for (size_t i = 0; i < n; i++)
        require(ids[i] >= 0 && (uint32_t)ids[i] < tok_count(t));
    char *out;
    size_t got = decode(t, ids, n, flags & SPECIAL, &out);
    require(is_utf8(out, got));
    if ((flags & (BPE | BYTES | BOS | EOS)) == (BPE | BYTES) && in->plain && is_utf8(text, len))
        require(got == len && memcmp(out, text, len) == 0);
    free(out);
    mem_free(ids);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct input in;
    struct tok *t;
    in.at = data;
    in.end = data + size;
    int flags = next(&in);
    read_vocab(&in, flags);
    if (tok_create(&in.v, &t) == OK)
        run(&in, flags, t);
    tok_destroy(&t);
    return 0;
}
