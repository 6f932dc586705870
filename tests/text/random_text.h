/* random_text.h - random strings, alike in tests/golden/make_tokens.py (text_of). */
#ifndef TAWNY_TESTS_TEXT_RANDOM_TEXT_H
#define TAWNY_TESTS_TEXT_RANDOM_TEXT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* splitmix64 */
static uint32_t random_below(uint64_t *state, uint32_t n)
{
    *state += 0x9e3779b97f4a7c15u;
    uint64_t z = *state;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    z ^= z >> 31;
    return (uint32_t)((z >> 33) % n);
}

/* A string that grows in a buffer of the caller's, which must be large enough. */
struct random_text {
    char *s;
    size_t len;
};

static void random_add(struct random_text *t, const char *s, size_t len)
{
    memcpy(t->s + t->len, s, len);
    t->len += len;
}

static void random_add_code(struct random_text *t, uint32_t c)
{
    char u[4];
    size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = n; i-- > 1; c >>= 6)
        u[i] = (char)(0x80 | (c & 0x3f));
    u[0] = (char)(n == 1 ? c : (0xf00u >> n & 0xff) | c);
    random_add(t, u, n);
}

#define RANDOM_COUNT(a) ((uint32_t)(sizeof(a) / sizeof(a)[0]))

enum { RANDOM_TEXT_MAX = 1024 }; /* 23 atoms of at most 25 bytes */

static void random_atom(uint64_t *state, struct random_text *t)
{
    static const char *const words[] = {"the",        "model",  "Tokens", "GPU",    "of", "and",
                                        "transcribe", "device", "Hello",  "world",  "a",  "I",
                                        "don",        "runs",   "on",     "VULKAN", "is", "to",
                                        "in",         "http",   "kernel", "seven"};
    static const char *const contractions[] = {"'s", "'t", "'re", "'ve", "'m", "'ll",
                                               "'d", "'S", "'LL", "'Re", "'D", "'\xc5\xbf"};
    static const uint32_t spaces[] = {0x20,   0x20,   0x20, 0x0a,   0x0d, 0x09,   0xa0,
                                      0x3000, 0x2009, 0x85, 0x2028, 0x0b, 0x200b, 0x180e};
    static const char *const lines[] = {"\n", "\r\n", "\n\n", " \n", "\n  ", "\t\n\t"};
    static const uint32_t numbers[] = {0xbd,   0xb2,   0xb3,  0x2167, 0x2177,
                                       0x2460, 0x3007, 0x661, 0x966,  0xff11};
    static const struct {
        uint32_t code; /* 0: text */
        const char *text;
    } odd[] = {{0, ""},        {0, "\x01"},          {0, "\x1b"},         {0, "\x7f"},
               {0xfeff, NULL}, {0x200d, NULL},       {0xfe0f, NULL},      {0x1c5, NULL},
               {0x2b0, NULL},  {0xe000, NULL},       {0x1d400, NULL},     {0x2581, NULL},
               {0xfffd, NULL}, {0, "<|endoftext|>"}, {0, "<|im_start|>"}, {0, "<|im_end|>"},
               {0, "<user>"},  {0, "<|im_"},         {0, "|>"},           {0, "<s>"}};
    static const struct {
        uint32_t n, r[5][2];
    } ranges[] = {
        {1, {{0xc0, 0x24f}}},
        {2, {{0x3b1, 0x3c9}, {0x410, 0x44f}}},
        {1, {{0x4e00, 0x9fa5}}},
        {2, {{0x3041, 0x3096}, {0xac00, 0xd7a3}}},
        {5, {{0x300, 0x36f}, {0x904, 0x939}, {0x93e, 0x94d}, {0xe01, 0xe3a}, {0x621, 0x64a}}},
        {5,
         {{0x1f600, 0x1f64f},
          {0x2200, 0x22ff},
          {0x2018, 0x201d},
          {0x3001, 0x3002},
          {0xff01, 0xff5e}}}};
    uint32_t kind = random_below(state, 16), i, n;
    if (kind < 5) {
        if (random_below(state, 4))
            random_add(t, " ", 1);
        i = random_below(state, RANDOM_COUNT(words));
        random_add(t, words[i], strlen(words[i]));
    } else if (kind == 5) {
        i = random_below(state, RANDOM_COUNT(contractions));
        random_add(t, contractions[i], strlen(contractions[i]));
    } else if (kind == 6) {
        for (n = 1 + random_below(state, 7); n--;)
            random_add_code(t, 0x30 + random_below(state, 10));
    } else if (kind == 7) {
        for (n = 1 + random_below(state, 4); n--;)
            random_add_code(t, 0x21 + random_below(state, 15));
    } else if (kind == 8) {
        i = random_below(state, RANDOM_COUNT(spaces));
        for (n = 1 + random_below(state, 5); n--;)
            random_add_code(t, spaces[i]);
    } else if (kind == 9) {
        i = random_below(state, RANDOM_COUNT(lines));
        random_add(t, lines[i], strlen(lines[i]));
    } else if (kind == 10) {
        random_add_code(t, numbers[random_below(state, RANDOM_COUNT(numbers))]);
    } else if (kind == 11) {
        i = random_below(state, RANDOM_COUNT(odd));
        if (odd[i].code)
            random_add_code(t, odd[i].code);
        else
            random_add(t, odd[i].text, i ? strlen(odd[i].text) : 1);
    } else {
        i = random_below(state, RANDOM_COUNT(ranges));
        for (n = 1 + random_below(state, 6); n--;) {
            const uint32_t *r = ranges[i].r[random_below(state, ranges[i].n)];
            random_add_code(t, r[0] + random_below(state, r[1] - r[0] + 1));
        }
    }
}

/* buf holds RANDOM_TEXT_MAX bytes; returns the length. */
static size_t random_text(uint64_t *state, char *buf)
{
    struct random_text t = {buf, 0};
    for (uint32_t n = random_below(state, 24); n--;)
        random_atom(state, &t);
    return t.len;
}

#endif
