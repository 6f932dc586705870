/* tawny tokenize: text from stdin to ids, and back. */
#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "cli.h"
#include "ids.h"

static struct {
    const char *file;
    bool special, decode, no_bos;
} opt = {.file = "-"};

static const struct option options[] = {
    {"--special", OPT_FLAG, &opt.special, NULL,
     "text of control tokens is those tokens; with --decode, shows them"},
    {"--decode", OPT_FLAG, &opt.decode, NULL, "ids to text"},
    {"--no-bos", OPT_FLAG, &opt.no_bos, NULL, "without the token that begins a text"},
    {"-f --file", OPT_TEXT, &opt.file, "FILE", "read this instead of stdin"},
    OPTION_JSON,
};

static enum status encode(const struct tawny_vocab *vocab, const char *text, size_t len)
{
    int32_t *ids;
    size_t n;
    TRY(from_api(tawny_tokenize(vocab, text, len, opt.special, !opt.no_bos, &ids, &n)));
    enum status s = OK;
    json_t *list = global.json ? json_array() : NULL;
    for (size_t i = 0; i < n && s == OK; i++) {
        if (global.json)
            json_array_append_new(list, json_integer(ids[i]));
        else
            s = out_printf("%s%" PRId32, i ? " " : "", ids[i]);
    }
    tawny_free(ids);
    if (global.json)
        return out_json(json_pack("{s:o, s:I}", "ids", list, "count", (json_int_t)n), false);
    TRY(s);
    return out_printf("\n");
}

static enum status decode(const struct tawny_vocab *vocab, const char *text, size_t len)
{
    int32_t *ids;
    size_t n, out_len = 0;
    char *out = NULL;
    TRY(ids_parse(strcmp(opt.file, "-") ? opt.file : "standard input", text, len, &ids, &n));
    enum status s = from_api(tawny_detokenize(vocab, ids, n, opt.special, &out, &out_len));
    if (s == OK && global.json)
        s = out_json(json_pack("{s:o}", "text", json_text(out, out_len)), false);
    else if (s == OK)
        s = out_write(out, out_len);
    mem_free(ids);
    tawny_free(out);
    return s;
}

static enum status open_vocab(const char *path, struct tawny_vocab **vocab)
{
    struct tawny_file *file;
    TRY(from_api(tawny_file_open(path, &file)));
    enum status s = from_api(tawny_vocab_open(file, vocab));
    tawny_file_close(&file);
    return s;
}

static enum status run(char **operands, size_t n)
{
    (void)n;
    struct tawny_vocab *vocab;
    char *text = NULL;
    size_t len;
    TRY(open_vocab(operands[0], &vocab));
    enum status s = read_whole(opt.file, &text, &len);
    if (s == OK)
        s = opt.decode ? decode(vocab, text, len) : encode(vocab, text, len);
    mem_free(text);
    tawny_vocab_close(&vocab);
    return s;
}

const struct verb verb_tokenize = {
    .name = "tokenize",
    .operands = "MODEL",
    .summary = "Text from stdin to token ids, and back",
    OPTIONS(options),
    .min_operands = 1,
    .max_operands = 1,
    .run = run,
};
