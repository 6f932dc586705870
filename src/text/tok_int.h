/* tok_int.h - what the tokenizer's own files share. */
#ifndef TAWNY_TEXT_TOK_INT_H
#define TAWNY_TEXT_TOK_INT_H

#include "base/mem.h"
#include "text/pre.h"
#include "text/tok.h"
#include "text/tok_map.h"

struct tok {
    struct arena arena; /* every text below */
    enum tok_family family;
    uint32_t n;
    struct tok_map map;    /* texts: tokens first, then BPE's symbols that are no tokens */
    struct tok_str *piece; /* n: the bytes of a token in a text */
    float *score;          /* n (SPM) */
    bool spans_words;      /* some token has a space behind something else (SPM) */
    uint8_t *kind;         /* n, enum tok_kind */
    uint8_t *strip;        /* n */
    uint8_t *eog;          /* n */
    int32_t byte_id[256];  /* the token of a byte (SPM) or of its byte-level character (BPE), or
                              TOK_NONE */
    size_t longest;        /* bytes of the longest token */
    int32_t bos, eos, unk;
    bool add_bos, add_eos, add_space_prefix;

    /* Tokens that are cut out of a text before anything else, sorted by their bytes;
     * first[c] .. first[c + 1] begin with byte c. */
    uint32_t *special;
    uint32_t n_special;
    uint32_t first[257];

    /* BPE */
    struct tok_pre *pre;
    bool ignore_merges;
    struct tok_pairs pairs;
    uint32_t byte_symbol[256]; /* number in `map` of a byte's character */
};

/* Ids that are growing; `ids` is the caller's own after a success. */
struct tok_out {
    int32_t *ids;
    size_t n, room;
};
enum status tok_out_add(struct tok_out *o, int32_t id);

/* True if ordinary text may become this token. */
static inline bool tok_is_plain(const struct tok *t, uint32_t id)
{
    return id < t->n &&
           (t->kind[id] == TOK_NORMAL || t->kind[id] == TOK_USER || t->kind[id] == TOK_UNUSED);
}

/* The families: make what they need besides the tokens, and encode a text without special tokens.
 * tok_spm_encode puts the prefix space before it if `prefix`. */
enum status tok_spm_init(struct tok *t, const struct tok_vocab *v);
enum status tok_spm_encode(const struct tok *t, const char *text, size_t len, bool prefix,
                           struct tok_out *out);
enum status tok_bpe_init(struct tok *t, const struct tok_vocab *v);
enum status tok_bpe_encode(const struct tok *t, const char *text, size_t len, struct tok_out *out);

#endif
