#include "text/chat.h"

#include <string.h>

#include "base/mem.h"

static bool has(const char *text, size_t len, const char *what)
{
    return memmem(text, len, what, strlen(what)) != NULL;
}

enum chat_form chat_recognise(const char *text, size_t len)
{
    if (!text)
        return CHAT_PLAIN;
    if (has(text, len, "<|im_start|>") && has(text, len, "<|im_end|>"))
        return CHAT_CHATML;
    if (has(text, len, "<|start_header_id|>") && has(text, len, "<|eot_id|>"))
        return CHAT_LLAMA3;
    if (has(text, len, "[INST]") && has(text, len, "[/INST]"))
        return CHAT_LLAMA2;
    return CHAT_PLAIN;
}

const char *chat_form_name(enum chat_form f)
{
    static const char *const names[] = {"plain", "chatml", "llama-2", "llama-3"};
    return f >= CHAT_PLAIN && f <= CHAT_LLAMA3 ? names[f] : "unknown";
}

/* The text and its parts; a failure is kept and what follows it does nothing. */
struct builder {
    char *text;
    size_t len, room;
    struct chat_part *parts;
    size_t n_parts, room_parts;
    enum status status;
};

static void add(struct builder *b, const char *s, size_t len, bool special)
{
    if (b->status != OK || len == 0)
        return;
    if (len >= SIZE_MAX / 4 - b->len) {
        b->status = status_fail(ERR_USAGE, "a conversation of more than %zu bytes", SIZE_MAX / 4);
        return;
    }
    if (b->len + len + 1 > b->room) {
        size_t room = (b->len + len + 1) * 2;
        char *text = mem_realloc(b->text, room);
        if (!text) {
            b->status = ERR_MEMORY;
            return;
        }
        b->text = text;
        b->room = room;
    }
    memcpy(b->text + b->len, s, len);
    b->len += len;
    b->text[b->len] = 0;
    if (b->n_parts && b->parts[b->n_parts - 1].special == special) {
        b->parts[b->n_parts - 1].end = b->len;
        return;
    }
    if (b->n_parts == b->room_parts) {
        size_t room = b->room_parts ? b->room_parts * 2 : 16;
        struct chat_part *parts = mem_realloc(b->parts, room * sizeof *parts);
        if (!parts) {
            b->status = ERR_MEMORY;
            return;
        }
        b->parts = parts;
        b->room_parts = room;
    }
    b->parts[b->n_parts++] = (struct chat_part){b->len - len, b->len, special};
}

static void form(struct builder *b, const char *s)
{
    add(b, s, strlen(s), true);
}

static void data(struct builder *b, const char *s)
{
    add(b, s, strlen(s), false);
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static void trimmed(struct builder *b, const char *s)
{
    size_t len = strlen(s);
    while (len && is_space(s[len - 1]))
        len--;
    while (len && is_space(s[0])) {
        s++;
        len--;
    }
    add(b, s, len, false);
}

static bool is_role(const struct chat_message *m, const char *role)
{
    return strcmp(m->role, role) == 0;
}

static void chatml(struct builder *b, const struct chat_message *m, size_t n, bool generation)
{
    for (size_t i = 0; i < n; i++) {
        form(b, "<|im_start|>");
        data(b, m[i].role);
        form(b, "\n");
        data(b, m[i].content);
        form(b, "<|im_end|>\n");
    }
    if (generation)
        form(b, "<|im_start|>assistant\n");
}

static void llama3(struct builder *b, const struct chat_message *m, size_t n, bool generation)
{
    for (size_t i = 0; i < n; i++) {
        form(b, "<|start_header_id|>");
        data(b, m[i].role);
        form(b, "<|end_header_id|>\n\n");
        trimmed(b, m[i].content);
        form(b, "<|eot_id|>");
    }
    if (generation)
        form(b, "<|start_header_id|>assistant<|end_header_id|>\n\n");
}

/* A turn is "[INST] user [/INST] answer </s>"; system messages go inside the next user's. */
static void llama2(struct builder *b, const struct chat_message *m, size_t n)
{
    bool open = false, first = true;
    for (size_t i = 0; i < n; i++) {
        if (is_role(&m[i], "assistant")) {
            form(b, open ? " [/INST] " : first ? "" : "<s>");
            trimmed(b, m[i].content);
            form(b, " </s>");
            open = first = false;
            continue;
        }
        if (!open)
            form(b, first ? "[INST] " : "<s>[INST] ");
        else if (!is_role(&m[i - 1], "system"))
            form(b, "\n");
        open = true;
        if (is_role(&m[i], "system")) {
            form(b, "<<SYS>>\n");
            trimmed(b, m[i].content);
            form(b, "\n<</SYS>>\n\n");
        } else {
            trimmed(b, m[i].content);
        }
    }
    if (open)
        form(b, " [/INST]");
}

static void plain(struct builder *b, const struct chat_message *m, size_t n, bool generation)
{
    for (size_t i = 0; i < n; i++) {
        if (is_role(&m[i], "user"))
            form(b, "User: ");
        else if (is_role(&m[i], "assistant"))
            form(b, "Assistant: ");
        data(b, m[i].content);
        form(b, is_role(&m[i], "system") ? "\n\n" : "\n");
    }
    if (generation)
        form(b, "Assistant:");
}

enum status chat_format(enum chat_form f, const struct chat_message *messages, size_t n,
                        bool add_generation, char **text, struct chat_part **parts, size_t *n_parts)
{
    struct builder b = {0};
    *text = NULL;
    *parts = NULL;
    *n_parts = 0;
    switch (f) {
    case CHAT_CHATML:
        chatml(&b, messages, n, add_generation);
        break;
    case CHAT_LLAMA3:
        llama3(&b, messages, n, add_generation);
        break;
    case CHAT_LLAMA2:
        llama2(&b, messages, n);
        break;
    case CHAT_PLAIN:
        plain(&b, messages, n, add_generation);
        break;
    }
    if (b.status == OK && !b.text) {
        b.text = mem_alloc(1);
        b.status = b.text ? OK : ERR_MEMORY;
    }
    if (b.status != OK) {
        mem_free(b.text);
        mem_free(b.parts);
        return b.status;
    }
    *text = b.text;
    *parts = b.parts;
    *n_parts = b.n_parts;
    return OK;
}
