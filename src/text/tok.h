/* tok.h - text to token ids and back.
 *
 * A tokenizer is made from a plain vocabulary (the engine fills it from a model file) and is
 * immutable after that: any number of threads may use one. Two families: SentencePiece-style
 * (`TOK_SPM`, scores and byte fallback) and byte-level BPE (`TOK_BPE`, merges and a pre-tokenizer
 * pattern). Input is any bytes: invalid UTF-8 is taken as the family defines it, never refused. */
#ifndef TAWNY_TEXT_TOK_H
#define TAWNY_TEXT_TOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

enum tok_family { TOK_SPM, TOK_BPE };

/* As in GGUF's tokenizer.ggml.token_type. */
enum tok_kind {
    TOK_NORMAL = 1,
    TOK_UNKNOWN = 2,
    TOK_CONTROL = 3,
    TOK_USER = 4,
    TOK_UNUSED = 5,
    TOK_BYTE = 6
};

struct tok_str {
    const char *s; /* any bytes */
    size_t len;
};

enum { TOK_NONE = -1, TOK_MAX_EOG = 16 };

/* White space beside a special token that belongs to it: bits of tok_vocab.strip. */
enum { TOK_LSTRIP = 1, TOK_RSTRIP = 2 };

/* Borrowed while tok_create runs; nothing of it is kept. */
struct tok_vocab {
    enum tok_family family;
    const char *pre;            /* pre-tokenizer's name (TOK_BPE), NULL: "default" */
    const struct tok_str *text; /* n_tokens */
    const float *scores;        /* n_tokens or NULL */
    const int32_t *kinds;       /* n_tokens or NULL (all normal) */
    const uint8_t *strip;       /* n_tokens of TOK_LSTRIP, TOK_RSTRIP, or NULL (none) */
    uint32_t n_tokens;
    bool repeats; /* a text may stand for several tokens; the first is what it becomes */
    const struct tok_str *merges; /* "left right", best first */
    uint32_t n_merges;
    int32_t bos, eos, unk, pad; /* TOK_NONE where there is none */
    int32_t eog[TOK_MAX_EOG];   /* further tokens that end a generation; n_eog of them */
    uint32_t n_eog;
    bool add_bos, add_eos, add_space_prefix;
    const char *file; /* for messages */
};

struct tok;

/* ERR_MODEL with file, field, index, value and limit for a vocabulary that cannot be right: no
 * tokens, a token twice, an id past the end, a byte token that names no byte, a merge that is no
 * pair, a pre-tokenizer that is not known. An empty token is kept but never produced; a merge whose
 * parts or product are no tokens joins them all the same, and what is left is written as its
 * characters. Costs about 0.1 s for 100,000 tokens. */
enum status tok_create(const struct tok_vocab *v, struct tok **out);
void tok_destroy(struct tok **t);

/* What a pre-tokenizer's name says of its family where the file says nothing; false for a name
 * that is not known (tok_create then refuses it). NULL stands for "default". */
struct tok_pre_info {
    bool add_bos;
    bool ignore_merges; /* a word that is a token as a whole is taken as it is */
};
bool tok_pre_info(const char *name, struct tok_pre_info *out);

struct chat_part;

struct tok_encode_params {
    bool special; /* text of control tokens becomes those tokens (prompts of a template) */
    bool no_bos;  /* leave out what add_bos would put in front (and add_eos behind) */
    bool no_eos;  /* leave out what add_eos would put behind: the text is to be continued */
    /* From chat_format(): control tokens are recognised only inside the parts marked special,
     * whatever `special` says; the text between two of them is still encoded as one. */
    const struct chat_part *parts;
    size_t n_parts;
};

/* Appends to ids (grown with mem_realloc; *ids may be NULL at first); on failure both are as they
 * were. O(n log n); a text is at most 2^31 - 1 bytes. Bytes that are no UTF-8 become U+FFFD, one
 * for each byte, in byte-level BPE; SentencePiece keeps them as byte tokens. Where the longest
 * special tokens overlap, the one that begins first is taken, and of those the longest. */
enum status tok_encode(const struct tok *t, const char *text, size_t len,
                       const struct tok_encode_params *params, int32_t **ids, size_t *n);

/* The bytes of one token as they appear in a text; `special` false gives nothing for control
 * tokens. Points into the tokenizer. */
struct tok_str tok_piece(const struct tok *t, int32_t id, bool special);
/* The token's own text in the vocabulary (byte-level symbols and all). */
struct tok_str tok_text(const struct tok *t, int32_t id);

uint32_t tok_count(const struct tok *t);
int32_t tok_bos(const struct tok *t);
int32_t tok_eos(const struct tok *t);
bool tok_add_bos(const struct tok *t);
/* True if a text's first word was given a space in front, which its text is shown without. */
bool tok_adds_space(const struct tok *t);
bool tok_is_control(const struct tok *t, int32_t id);
/* True for tokens that end a generation (eos, eot, eom and the like). */
bool tok_is_eog(const struct tok *t, int32_t id);
/* The token with exactly this text, or TOK_NONE. */
int32_t tok_find(const struct tok *t, const char *text, size_t len);

/* Streaming detokenizer: gives whole UTF-8 characters only, drops the leading space that a
 * SentencePiece prefix made, and shows each byte that cannot become part of a character as U+FFFD.
 * To go on after a prompt (whose last word's space counts), set `started` after the init. */
struct tok_stream {
    const struct tok *tok;
    bool special, started;
    char held[8];
    size_t n_held;
};
/* Bytes that one push of a piece of `len` bytes writes at most. */
#define TOK_STREAM_ROOM(len) (3 * (len) + 12)

void tok_stream_init(struct tok_stream *s, const struct tok *t, bool special);
/* Writes to out, whose `room` should be TOK_STREAM_ROOM(piece's length) or more (what does not
 * fit is lost); returns the bytes written. An id out of range writes nothing. */
size_t tok_stream_push(struct tok_stream *s, int32_t id, char *out, size_t room);
/* What is held back becomes U+FFFD: at most 12 bytes. The stream is as after init then. */
size_t tok_stream_finish(struct tok_stream *s, char *out, size_t room);

#endif
