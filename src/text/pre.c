#include "text/pre.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <string.h>

#include "base/mem.h"
#include "text/tok.h"
#include "text/utf8.h"

/* Unicode's White_Space. PCRE2's own \s takes U+180E too, which stopped being a space. */
#define SPACES                                                                                     \
    "\\t-\\r\\x20\\x85\\xa0\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}"       \
    "\\x{3000}"
#define S "[" SPACES "]"
/* Spaces, less the last one before a word. */
#define INNER_SPACES S "+(?![^" SPACES "])"

/* Spaces at the very end; tried only where a run of them begins. */
#define LAST_SPACES "(?<![" SPACES "])" S "++$"

#define CONTRACTIONS "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
#define WORD         "[^\\r\\n\\p{L}\\p{N}]?\\p{L}+"
#define SYMBOLS      " ?[^" SPACES "\\p{L}\\p{N}]+"
#define LINES        S "*[\\r\\n]+"
#define ENDING       LINES "|" INNER_SPACES "|" S "+"

#define GPT2   "'(?:s|t|re|ve|m|ll|d)| ?\\p{L}+| ?\\p{N}+|" SYMBOLS "|" INNER_SPACES "|" S "+"
#define LLAMA3 CONTRACTIONS "|" WORD "|\\p{N}{1,3}|" SYMBOLS "[\\r\\n]*|" ENDING
#define QWEN2  CONTRACTIONS "|" WORD "|\\p{N}|" SYMBOLS "[\\r\\n]*|" ENDING

#define UPPER   "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]"
#define LOWER   "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]"
#define NO_WORD "[^\\r\\n\\p{L}\\p{N}]?"
/* A word whose capitals come first, or that is capitals only, each with `end` behind it. */
#define CASED(end) NO_WORD UPPER "*" LOWER "+" end "|" NO_WORD UPPER "+" LOWER "*" end
#define GPT4O      CASED(CONTRACTIONS "?") "|\\p{N}{1,3}|" SYMBOLS "[\\r\\n/]*|" ENDING

#define ASCII_PUNCTUATION "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~]"
#define DEEPSEEK3_WORDS                                                                            \
    ASCII_PUNCTUATION "[A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+"
#define HAN_KANA     "[\\x{4e00}-\\x{9fa5}\\x{3040}-\\x{309f}\\x{30a0}-\\x{30ff}]+"
#define CJK_DEEPSEEK "[\\x{4e00}-\\x{9fa5}\\x{800}-\\x{4e00}\\x{ac00}-\\x{d7ff}]+"

#define CASED_LETTERS                                                                              \
    "A-Za-z\\xb5\\xc0-\\xd6\\xd8-\\xf6\\xf8-\\x{1ba}\\x{1bc}-\\x{1bf}\\x{1c4}-\\x{293}"            \
    "\\x{295}-\\x{2af}\\x{370}-\\x{373}\\x{376}\\x{377}\\x{37b}-\\x{37d}\\x{37f}\\x{386}"          \
    "\\x{388}-\\x{38a}\\x{38c}\\x{38e}-\\x{3a1}\\x{3a3}-\\x{3f5}\\x{3f7}-\\x{481}"                 \
    "\\x{48a}-\\x{52f}\\x{531}-\\x{556}\\x{10a0}-\\x{10c5}\\x{13a0}-\\x{13f5}"                     \
    "\\x{13f8}-\\x{13fd}\\x{1c90}-\\x{1cba}\\x{1cbd}-\\x{1cbf}\\x{1d00}-\\x{1d2b}"                 \
    "\\x{1d6b}-\\x{1d77}\\x{1d79}-\\x{1d9a}\\x{1e00}-\\x{1f15}\\x{1f18}-\\x{1f1d}"                 \
    "\\x{1f20}-\\x{1f45}\\x{1f48}-\\x{1f4d}\\x{1f50}-\\x{1f57}\\x{1f59}\\x{1f5b}\\x{1f5d}"         \
    "\\x{1f5f}-\\x{1f7d}\\x{1f80}-\\x{1fb4}\\x{1fb6}-\\x{1fbc}\\x{1fbe}\\x{1fc2}-\\x{1fc4}"        \
    "\\x{1fc6}-\\x{1fcc}\\x{1fd0}-\\x{1fd3}\\x{1fd6}-\\x{1fdb}\\x{1fe0}-\\x{1fec}"                 \
    "\\x{1ff2}-\\x{1ff4}\\x{1ff6}-\\x{1ffc}\\x{2102}\\x{2107}\\x{210a}-\\x{2113}\\x{2115}"         \
    "\\x{2119}-\\x{211d}\\x{2124}\\x{2126}\\x{2128}\\x{212a}-\\x{212d}\\x{212f}-\\x{2134}"         \
    "\\x{2139}\\x{213c}-\\x{213f}\\x{2145}-\\x{2149}\\x{214e}\\x{2183}\\x{2184}"                   \
    "\\x{2c00}-\\x{2c7b}\\x{2c7e}-\\x{2ce4}\\x{2ceb}-\\x{2cee}\\x{2cf2}\\x{2cf3}"                  \
    "\\x{a640}-\\x{a66d}\\x{a680}-\\x{a69b}\\x{a722}-\\x{a76f}\\x{a771}-\\x{a787}"                 \
    "\\x{a78b}-\\x{a78e}\\x{ab70}-\\x{abbf}\\x{fb00}-\\x{fb06}\\x{fb13}-\\x{fb17}"                 \
    "\\x{ff21}-\\x{ff3a}\\x{ff41}-\\x{ff5a}\\x{10400}-\\x{1044f}\\x{104b0}-\\x{104d3}"             \
    "\\x{104d8}-\\x{104fb}\\x{10c80}-\\x{10cb2}\\x{10cc0}-\\x{10cf2}\\x{118a0}-\\x{118df}"         \
    "\\x{1e900}-\\x{1e943}"

/* A pattern that begins so cuts each match into groups of three characters, from its end. */
#define THREES "\x01"
/* \d{1,3}(?=(?:\d{3})*\b) in linear time, \b by the word characters of the engine (Oniguruma) that
 * the models' own tokenizers use: of the numbers that are no digits, only Latin-1's. */
#define GROUPED_DIGITS                                                                             \
    THREES "(?<!\\d)\\d++(?![\\p{L}\\p{M}\\p{Nd}\\p{Nl}\\p{Pc}\\xb2\\xb3\\xb9\\xbc-\\xbe])"

enum { MAX_STEPS = 6 };
struct chain {
    const char *steps[MAX_STEPS];
};

static const struct chain by_default = {{"[\\p{P}$+<=>^~|]+", GPT2, "\\p{N}+", "[0-9]{3}"}};
static const struct chain gpt2 = {{GPT2}};
static const struct chain digits_gpt2 = {{"\\p{N}", GPT2}};
static const struct chain falcon = {{"[\\p{P}$+<=>^~|`]+", GPT2, "[0-9]{3}"}};
static const struct chain llama3 = {{LLAMA3}};
static const struct chain qwen2 = {{QWEN2}};
static const struct chain qwen35 = {{CONTRACTIONS "|" NO_WORD "[\\p{L}\\p{M}]+|\\p{N}| ?[^" SPACES
                                                  "\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|" ENDING}};
static const struct chain gpt4o = {{GPT4O}};
static const struct chain tekken = {{CASED("") "|\\p{N}|" SYMBOLS "[\\r\\n/]*|" ENDING}};
static const struct chain deepseek_llm = {{"[\\r\\n]", S "?[" CASED_LETTERS "]+",
                                           S "?[!-/:-~\\x{ff01}-\\x{ff0f}\\x{ff1a}-\\x{ff5e}"
                                             "\\x{2018}-\\x{201f}\\x{3000}-\\x{3002}]+",
                                           LAST_SPACES, CJK_DEEPSEEK, "\\p{N}+"}};
static const struct chain deepseek_coder = {
    {"[\\r\\n]", S "?\\p{L}+", S "?\\p{P}+", CJK_DEEPSEEK, "\\p{N}"}};
static const struct chain deepseek3 = {
    {"\\p{N}{1,3}", HAN_KANA, DEEPSEEK3_WORDS "[\\r\\n]*|" ENDING}};
static const struct chain chameleon = {{"<sentinel:[0-9]+>", "IMGIMG[A-I]{1,4}Z",
                                        "[\\t\\n]|    |  ", "\\p{N}", "[\\p{P}!-/:-@\\[-`{-~]",
                                        GPT2}};
static const struct chain bloom = {{" ?[^(" SPACES "|.,!?\\x{2026}\\x{3002}\\x{ff0c}\\x{3001}"
                                    "\\x{964}\\x{6d4}\\x{60c})]+"}};
static const struct chain viking = {{" ?[^(" SPACES "|.,!?\\x{2026}\\x{3002}\\x{ff0c}\\x{3001}"
                                     "\\x{964}\\x{6d4}\\x{60c})]+",
                                     "\\p{N}"}};
static const struct chain youtu = {
    {"[\\x{ac00}-\\x{d7a3}\\x{3131}-\\x{318e}]+|[\\x{ff01}\\x{2026}\\x{201c}\\x{201d}\\x{2018}"
     "\\x{2019}\\x{2014}\\x{ff1a}\\x{ff1b}\\x{ff0c}\\x{3001}-\\x{303f}\\x{fe30}-\\x{fe4f}]+|"
     "[\\x{3105}-\\x{312f}]+|" HAN_KANA,
     CASED(CONTRACTIONS "?") "|\\p{N}|" SYMBOLS "[\\r\\n/]*|" ENDING}};
static const struct chain tiny_aya = {{GROUPED_DIGITS, GPT4O}};
static const struct chain afmoe = {
    {GROUPED_DIGITS,
     "[\\x{4e00}-\\x{9fff}\\x{3400}-\\x{4dbf}\\x{f900}-\\x{faff}\\x{3040}-\\x{309f}"
     "\\x{30a0}-\\x{30ff}\\x{ff65}-\\x{ff9f}\\x{2f00}-\\x{2fdf}\\x{e40}-\\x{e7f}\\x{e80}-\\x{eff}"
     "\\x{1780}-\\x{17ff}\\x{1000}-\\x{109f}\\x{aa60}-\\x{aa7f}\\x{a9e0}-\\x{a9ff}"
     "\\x{ac00}-\\x{d7af}\\x{1100}-\\x{11ff}]+",
     DEEPSEEK3_WORDS "[\\r\\n]*|" ENDING}};
static const struct chain bailing = {{"'(?i:[sdmt]|ll|ve|re)|" WORD "|\\p{N}|" SYMBOLS
                                      "[\\r\\n]*|" S "*[\\r\\n]|" INNER_SPACES "|" S "+"}};
static const struct chain seed_coder = {
    {CONTRACTIONS "|" WORD "|\\p{N}| ?[^" SPACES "\\p{L}\\p{N}\\r\\n]+|" ENDING}};
static const struct chain ufakzeka = {{WORD "|\\p{N}|" SYMBOLS "[\\r\\n]*|" ENDING}};
static const struct chain laguna = {{"[^\\n]+|\\n+", QWEN2}};
/* Possessive, as nothing behind could use what it gives back. */
static const struct chain exaone_moe = {
    {CONTRACTIONS "|" NO_WORD "\\p{L}[\\p{L}\\p{M}]*+(?: \\p{L}[\\p{L}\\p{M}]*+)*+|\\p{N}|" SYMBOLS
                  "[\\r\\n/]?|" S "*[\\r\\n]|" INNER_SPACES "|" S "+"}};
static const struct chain minicpm5 = {
    {"\\p{N}{1,3}", CONTRACTIONS "|" WORD "|\\p{N}+|" SYMBOLS "[\\r\\n]*|" ENDING}};

enum { BOS = 1, WHOLE = 2 };
static const struct {
    const char *name;
    const struct chain *chain;
    int flags;
} known[] = {
    {"default", &by_default, 0},
    {"gpt-2", &gpt2, 0},
    {"phi-2", &gpt2, 0},
    {"mpt", &gpt2, 0},
    {"olmo", &gpt2, 0},
    {"jais", &gpt2, 0},
    {"trillion", &gpt2, 0},
    {"granite-docling", &gpt2, 0},
    {"exaone4", &gpt2, 0},
    {"gigachat", &gpt2, 0},
    {"a.x-4.0", &gpt2, 0},
    {"mellum", &gpt2, 0},
    {"modern-bert", &gpt2, 0},
    {"jina-es", &gpt2, 0},
    {"jina-de", &gpt2, 0},
    {"jina-v1-en", &gpt2, 0},
    {"jina-v2-es", &gpt2, 0},
    {"jina-v2-de", &gpt2, 0},
    {"jina-v2-code", &gpt2, 0},
    {"roberta-bpe", &gpt2, 0},
    {"starcoder", &digits_gpt2, 0},
    {"refact", &digits_gpt2, 0},
    {"command-r", &digits_gpt2, 0},
    {"smollm", &digits_gpt2, 0},
    {"codeshell", &digits_gpt2, 0},
    {"exaone", &digits_gpt2, 0},
    {"minerva-7b", &digits_gpt2, 0},
    {"mellum2", &digits_gpt2, 0},
    {"falcon", &falcon, 0},
    {"llama3", &llama3, BOS | WHOLE},
    {"llama-v3", &llama3, BOS | WHOLE},
    {"llama-bpe", &llama3, BOS | WHOLE},
    {"falcon3", &llama3, BOS | WHOLE},
    {"falcon-h1", &llama3, BOS | WHOLE},
    {"pixtral", &llama3, BOS | WHOLE},
    {"midm-2.0", &llama3, BOS | WHOLE},
    {"lfm2", &llama3, BOS | WHOLE},
    {"jina-v5-nano", &llama3, BOS | WHOLE},
    {"dbrx", &llama3, 0},
    {"smaug-bpe", &llama3, 0},
    {"glm4", &llama3, 0},
    {"chatglm-bpe", &llama3, 0},
    {"qwen2", &qwen2, 0},
    {"stablelm2", &qwen2, 0},
    {"deepseek-r1-qwen", &qwen2, 0},
    {"kormo", &qwen2, 0},
    {"f2llmv2", &qwen2, 0},
    {"megrez", &qwen2, 0},
    {"hunyuan", &qwen2, 0},
    {"solar-open", &qwen2, 0},
    {"grok-2", &qwen2, 0},
    {"qwen35", &qwen35, 0},
    {"deepseek-llm", &deepseek_llm, 0},
    {"deepseek-coder", &deepseek_coder, 0},
    {"deepseek-v3", &deepseek3, 0},
    {"hunyuan-dense", &deepseek3, 0},
    {"hy_v4", &deepseek3, 0},
    {"joyai-llm", &deepseek3, 0},
    {"tekken", &tekken, BOS | WHOLE},
    {"gpt-4o", &gpt4o, 0},
    {"llama4", &gpt4o, 0},
    {"kanana2", &gpt4o, 0},
    {"talkie", &gpt4o, 0},
    {"minimax-m2", &gpt4o, 0},
    {"chameleon", &chameleon, BOS},
    {"poro-chat", &bloom, 0},
    {"bloom", &bloom, 0},
    {"gpt3-finnish", &bloom, 0},
    {"viking", &viking, 0},
    {"youtu", &youtu, WHOLE},
    {"tiny_aya", &tiny_aya, 0},
    {"cohere2moe", &tiny_aya, 0},
    {"afmoe", &afmoe, 0},
    {"bailingmoe", &bailing, 0},
    {"bailingmoe2", &bailing, 0},
    {"llada-moe", &bailing, 0},
    {"seed-coder", &seed_coder, 0},
    {"ufakzeka", &ufakzeka, 0},
    {"laguna", &laguna, 0},
    {"exaone-moe", &exaone_moe, 0},
    {"minicpm5", &minicpm5, WHOLE},
};
enum { N_KNOWN = sizeof known / sizeof known[0] };

static int find_name(const char *name)
{
    for (int i = 0; i < N_KNOWN; i++)
        if (strcmp(known[i].name, name ? name : "default") == 0)
            return i;
    return -1;
}

bool tok_pre_info(const char *name, struct tok_pre_info *out)
{
    int i = find_name(name);
    *out = (struct tok_pre_info){0};
    if (i < 0)
        return false;
    out->add_bos = known[i].flags & BOS;
    out->ignore_merges = known[i].flags & WHOLE;
    return true;
}

const char *tok_pre_name(uint32_t i)
{
    return i < N_KNOWN ? known[i].name : NULL;
}

bool tok_pre_is_alias(uint32_t i)
{
    for (uint32_t k = 0; k < i && i < N_KNOWN; k++)
        if (known[k].chain == known[i].chain)
            return true;
    return false;
}

struct tok_pre {
    struct step {
        pcre2_code *code;
        bool jit, threes;
    } steps[MAX_STEPS];
    int n_steps;
    pcre2_match_context *limits;
};

enum status tok_pre_create(const char *name, const char *file, struct tok_pre **out)
{
    *out = NULL;
    int which = find_name(name);
    if (which < 0)
        return status_fail(ERR_MODEL, "%s: tokenizer.ggml.pre: unknown pre-tokenizer \"%.64s\"",
                           file, name);
    struct tok_pre *p = mem_alloc(sizeof *p);
    if (!p)
        return ERR_MEMORY;
    enum status s = ERR_MEMORY;
    p->limits = pcre2_match_context_create(NULL);
    if (!p->limits) {
        status_fail(ERR_MEMORY, "out of host memory: a pattern's match context");
        goto fail;
    }
    /* One run of a character may be the whole of a long text; time stays linear all the same. */
    pcre2_set_match_limit(p->limits, UINT32_MAX);
    pcre2_set_depth_limit(p->limits, UINT32_MAX);
    for (const char *const *t = known[which].chain->steps; p->n_steps < MAX_STEPS && t[p->n_steps];
         p->n_steps++) {
        struct step *step = &p->steps[p->n_steps];
        const char *pattern = t[p->n_steps];
        step->threes = pattern[0] == THREES[0];
        int code;
        size_t at;
        step->code = pcre2_compile((PCRE2_SPTR)pattern + step->threes, PCRE2_ZERO_TERMINATED,
                                   PCRE2_UTF | PCRE2_UCP | PCRE2_DOLLAR_ENDONLY, &code, &at, NULL);
        if (!step->code) {
            char why[128] = "";
            pcre2_get_error_message(code, (PCRE2_UCHAR *)why, sizeof why);
            s = status_fail(ERR, "pre-tokenizer \"%s\", pattern %d, offset %zu: %s",
                            known[which].name, p->n_steps, at, why);
            goto fail;
        }
        step->jit = pcre2_jit_compile(step->code, PCRE2_JIT_COMPLETE) == 0;
    }
    *out = p;
    return OK;

fail:
    tok_pre_destroy(&p);
    return s;
}

void tok_pre_destroy(struct tok_pre **p)
{
    if (!*p)
        return;
    for (int i = 0; i < MAX_STEPS; i++)
        pcre2_code_free((*p)->steps[i].code);
    pcre2_match_context_free((*p)->limits);
    mem_free(*p);
    *p = NULL;
}

struct split {
    const struct tok_pre *pre;
    pcre2_match_data *match;
    tok_word_fn fn;
    void *ctx;
};

static enum status split_step(struct split *s, int at, const char *text, size_t len);

/* The next match in text[from ..]: *end > *begin, or both len if there is none. */
static enum status next_match(struct split *s, const struct step *step, const char *text,
                              size_t len, size_t from, size_t *begin, size_t *end)
{
    int r = step->jit ? pcre2_jit_match(step->code, (PCRE2_SPTR)text, len, from, PCRE2_NO_UTF_CHECK,
                                        s->match, s->pre->limits)
                      : PCRE2_ERROR_JIT_STACKLIMIT;
    /* The interpreter has its stack on the heap. */
    if (r == PCRE2_ERROR_JIT_STACKLIMIT)
        r = pcre2_match(step->code, (PCRE2_SPTR)text, len, from, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT,
                        s->match, s->pre->limits);
    *begin = *end = len;
    if (r == PCRE2_ERROR_NOMATCH)
        return OK;
    if (r < 0) {
        char why[128] = "";
        pcre2_get_error_message(r, (PCRE2_UCHAR *)why, sizeof why);
        return status_fail(
            r == PCRE2_ERROR_NOMEMORY || r == PCRE2_ERROR_HEAPLIMIT ? ERR_MEMORY : ERR,
            "splitting a text of %zu bytes into words, at byte %zu: %s", len, from, why);
    }
    const size_t *o = pcre2_get_ovector_pointer(s->match);
    *begin = o[0];
    *end = o[1];
    return OK;
}

static enum status split_threes(struct split *s, int at, const char *text, size_t len)
{
    size_t chars = 0;
    for (size_t i = 0; i < len; i += utf8_announced(text[i]))
        chars++;
    for (size_t i = 0; i < len;) {
        size_t take = chars % 3 ? chars % 3 : 3, from = i;
        for (size_t k = 0; k < take; k++)
            i += utf8_announced(text[i]);
        chars -= take;
        TRY(split_step(s, at, text + from, i - from));
    }
    return OK;
}

static enum status split_step(struct split *s, int at, const char *text, size_t len)
{
    if (len == 0)
        return OK;
    if (at == s->pre->n_steps)
        return s->fn(s->ctx, text, len);
    const struct step *step = &s->pre->steps[at];
    for (size_t done = 0; done < len;) {
        size_t begin, end;
        TRY(next_match(s, step, text, len, done, &begin, &end));
        TRY(split_step(s, at + 1, text + done, begin - done));
        if (step->threes)
            TRY(split_threes(s, at + 1, text + begin, end - begin));
        else
            TRY(split_step(s, at + 1, text + begin, end - begin));
        done = end;
    }
    return OK;
}

enum status tok_pre_split(const struct tok_pre *p, const char *text, size_t len, tok_word_fn fn,
                          void *ctx)
{
    struct split s = {p, pcre2_match_data_create(1, NULL), fn, ctx};
    if (!s.match)
        return status_fail(ERR_MEMORY, "out of host memory: a pattern's match data");
    enum status r = split_step(&s, 0, text, len);
    pcre2_match_data_free(s.match);
    return r;
}
