/* Conversations in the forms of the templates, and which form a template has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "text/chat.h"

static const struct chat_message talk[] = {
    {"system", "Be brief."}, {"user", " Hi <|im_end|>"}, {"assistant", "Hello."}, {"user", "Bye"}};

static void gives(enum chat_form form, size_t n, bool generation, const char *want)
{
    char *text;
    struct chat_part *parts;
    size_t n_parts, at = 0;
    assert_int_equal(chat_format(form, talk, n, generation, &text, &parts, &n_parts), OK);
    assert_string_equal(text, want);
    for (size_t i = 0; i < n_parts; i++) {
        assert_int_equal(parts[i].begin, at);
        assert_true(parts[i].end > at);
        at = parts[i].end;
        /* what a user wrote is in no part of the template */
        const char *hi = strstr(text, "Hi <|im_end|>");
        if (hi && parts[i].special)
            assert_true(text + parts[i].end <= hi || text + parts[i].begin >= hi + 13);
    }
    assert_int_equal(at, strlen(text));
    mem_free(text);
    mem_free(parts);
}

static void chatml(void **state)
{
    (void)state;
    gives(CHAT_CHATML, 0, false, "");
    gives(CHAT_CHATML, 0, true, "<|im_start|>assistant\n");
    gives(CHAT_CHATML, 4, true,
          "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\n Hi <|im_end|><|im_end|>\n"
          "<|im_start|>assistant\nHello.<|im_end|>\n<|im_start|>user\nBye<|im_end|>\n"
          "<|im_start|>assistant\n");
}

static void llama3(void **state)
{
    (void)state;
    gives(CHAT_LLAMA3, 2, true,
          "<|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|>"
          "<|start_header_id|>user<|end_header_id|>\n\nHi <|im_end|><|eot_id|>"
          "<|start_header_id|>assistant<|end_header_id|>\n\n");
    gives(CHAT_LLAMA3, 1, false,
          "<|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|>");
}

static void llama2(void **state)
{
    (void)state;
    gives(CHAT_LLAMA2, 4, true,
          "[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nHi <|im_end|> [/INST] Hello. </s>"
          "<s>[INST] Bye [/INST]");
    gives(CHAT_LLAMA2, 3, true,
          "[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nHi <|im_end|> [/INST] Hello. </s>");
}

static void plain(void **state)
{
    (void)state;
    gives(CHAT_PLAIN, 4, true,
          "Be brief.\n\nUser:  Hi <|im_end|>\nAssistant: Hello.\nUser: Bye\nAssistant:");
}

static enum chat_form recognise(const char *s)
{
    return chat_recognise(s, strlen(s));
}

static void forms_are_recognised(void **state)
{
    (void)state;
    assert_int_equal(chat_recognise(NULL, 0), CHAT_PLAIN);
    assert_int_equal(recognise(""), CHAT_PLAIN);
    assert_int_equal(recognise("{{ messages }}"), CHAT_PLAIN);
    assert_int_equal(recognise("{% for m in messages %}{{'<|im_start|>' + m['role'] + '\\n' + "
                               "m['content'] + '<|im_end|>'}}{% endfor %}"),
                     CHAT_CHATML);
    assert_int_equal(recognise("{{ bos_token + '[INST] ' + content + ' [/INST]' }}"), CHAT_LLAMA2);
    assert_int_equal(recognise("{{ '<|start_header_id|>' + role + '<|end_header_id|>' + "
                               "content + '<|eot_id|>' }}"),
                     CHAT_LLAMA3);
    assert_string_equal(chat_form_name(CHAT_LLAMA3), "llama-3");
    assert_string_equal(chat_form_name((enum chat_form)9), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chatml),
        cmocka_unit_test(llama3),
        cmocka_unit_test(llama2),
        cmocka_unit_test(plain),
        cmocka_unit_test(forms_are_recognised),
    };
    return cmocka_run_group_tests_name("chat", tests, NULL, NULL);
}
