"""What the guide answers: for every intent the command and two or more ways to put it in a sentence.

A Command keeps its parts apart, so that a later question ("and as srt?") can add an option to it.
"""

EXIT_CODES = {
    0: ["Exit code 0 means success: everything went as asked."],
    1: ["Exit code 1 means a general error; the message on stderr says which."],
    2: ["Exit code 2 means wrong usage: an option or argument is not right, see `tawny --help`."],
    3: ["Exit code 3 means the model is missing or bad; check the file with `tawny inspect MODEL`."],
    4: ["Exit code 4 means no device: no Vulkan device was found, see `tawny devices`."],
    5: ["Exit code 5 means out of memory; see the plan with `tawny inspect MODEL` or use a smaller "
        "`-c`."],
    6: ["Exit code 6 means the device was lost while it worked; check it with `tawny verify`."],
    7: ["Exit code 7 means verification failed: `tawny verify` found a wrong result."],
}

# The order in which options stand in a command.
OPTIONS = ["-p", "-f", "--tokens", "--logits", "--perplexity", "--special", "--decode", "--language",
           "--task", "--detect-language", "--output-format", "--output-dir", "--word-timestamps",
           "--initial-prompt", "--beam-size", "--batch", "--port", "-c", "-n", "--temp", "--top-k",
           "--top-p", "--min-p", "--seed", "--repeat-penalty", "--stop", "--thorough", "--json",
           "--stats", "--device"]


class Command:
    """`tawny VERB ARGUMENTS OPTIONS`; options is a dict, a value of None is a bare flag."""

    def __init__(self, verb, args=(), **options):
        self.verb, self.args = verb, list(args)
        self.options = {("-" if len(k) == 1 else "--") + k.replace("_", "-"): v
                        for k, v in options.items()}

    def set(self, option, value=None):
        self.options[option] = value

    def text(self):
        words = ["tawny", self.verb] + self.args
        for o in sorted(self.options, key=OPTIONS.index):
            words.append(o)
            if self.options[o] is not None:
                words.append(self.options[o])
        return " ".join(words)


# {c} is the command in backticks, {v} the value that was asked for.
SENTENCES = {
    "devices": ["{c} lists every device that tawny can use, with its number, name and UUID.",
                "Run {c} to see all devices with their number, name and UUID."],
    "device": ["Choose it with `--device`: {c}.", "Name it with `--device`, like this: {c}."],
    "device_any": ["Use `--device` with a number, name or UUID from `tawny devices`, for example "
                   "{c}.", "`--device` chooses by number, name or UUID; `tawny devices` lists them: "
                   "{c}."],
    "software": ["Without a GPU tawny uses Mesa's software device; ask for it with {c}.",
                 "The software device works too, only slower: {c}."],
    "inspect": ["{c} prints the metadata and tensors of the file.",
                "Run {c} to see its metadata and tensors."],
    "memory": ["{c} prints a memory plan before anything is loaded.",
               "Run {c}: it shows the memory needed for weights, KV cache and scratch."],
    "run": ["Run {c} to generate text.", "{c} writes text from a prompt."],
    "run_p": ["Run {c} to get the answer.", "{c} does that."],
    "run_f": ["Run {c} to read the prompt from the file.", "{c} takes the prompt from that file."],
    "stdin": ["Yes, pipe it into {c}, which reads the prompt from standard input.",
              "{c} reads the prompt from standard input."],
    "chat": ["{c} starts a chat; Ctrl-C stops an answer.", "Start a chat with {c}."],
    "transcribe": ["{c} turns the speech into text.", "Run {c} to get the text."],
    "format": ["{c} writes that format.", "Choose the format with `--output-format`: {c}."],
    "translate": ["{c} writes the speech as English text.", "Use the translate task: {c}."],
    "language": ["Name the language with `--language`: {c}.", "{c} sets the language."],
    "detect": ["{c} tells which language is spoken.", "Run {c} to find out the language."],
    "words": ["{c} adds the time of every word.", "Use `--word-timestamps`: {c}."],
    "batch": ["{c} transcribes several windows at once.", "Use `--batch` for more speed: {c}."],
    "outdir": ["{c} writes the files there.", "Choose the folder with `--output-dir`: {c}."],
    "hint": ["Give names and terms with {c}.", "An initial prompt helps with names: {c}."],
    "beam": ["{c} uses beam search.", "Set the beams with `--beam-size`: {c}."],
    "listen": ["{c} transcribes your microphone live.", "Run {c} and speak into the microphone."],
    "serve": ["{c} starts an HTTP server with an OpenAI compatible API.",
              "Run {c} to serve the model over an OpenAI compatible API."],
    "port": ["Choose the port with `--port`: {c}.", "{c} listens on that port."],
    "verify": ["{c} checks that your GPU computes every operation correctly.",
               "Run {c}: it compares every kernel on your GPU with a reference."],
    "verify_m": ["{c} checks every operation of the model and names the first wrong one.",
                 "Run {c} to find the first operation that goes wrong."],
    "thorough": ["{c} runs the longest and most careful check.", "Run {c}; it takes longer."],
    "bench": ["{c} measures prefill and decode speed in tokens per second.",
              "Run {c} to measure the speed in tokens per second."],
    "tokenize": ["{c} reads text from stdin and prints its token ids.",
                 "Pipe your text into {c} to see its tokens."],
    "decode": ["{c} turns token ids from stdin back into text.",
               "Pipe the ids into {c} to get the text."],
    "special": ["{c} reads special tokens as single tokens.", "Add `--special`: {c}."],
    "perplexity": ["{c} computes the perplexity of the text.", "Run {c} to get the perplexity."],
    "logits": ["{c} writes the logits to a numpy file.", "Run {c} to save the logits."],
    "temp": ["Set the temperature with `--temp`: {c}.", "{c} sets the temperature."],
    "creative": ["Raise the temperature for more variety: {c}.",
                 "A higher temperature does that: {c}."],
    "calm": ["Lower the temperature: {c}.", "A lower temperature does that: {c}."],
    "greedy": ["A temperature of 0 always takes the likeliest token: {c}.",
               "{c} decodes greedily, without randomness."],
    "top_k": ["Limit the choice with `--top-k`: {c}.", "{c} keeps only the likeliest tokens."],
    "top_p": ["Use nucleus sampling with `--top-p`: {c}.", "{c} sets top-p."],
    "min_p": ["Drop unlikely tokens with `--min-p`: {c}.", "{c} sets min-p."],
    "seed": ["The same seed gives the same text every time: {c}.", "Fix the seed with `--seed`: {c}."],
    "context": ["Set the context size with `-c`: {c}.", "{c} sets the context size in tokens."],
    "length": ["Limit the number of tokens with `-n`: {c}.", "{c} stops after that many tokens."],
    "shorter": ["Limit the length of the answer with `-n`: {c}.", "A smaller `-n` does that: {c}."],
    "longer": ["Allow more tokens with `-n`: {c}.", "A larger `-n` does that: {c}."],
    "repeat": ["Raise the repeat penalty: {c}.", "Use `--repeat-penalty` against repetition: {c}."],
    "stop": ["Give the text with `--stop`: {c}.", "{c} ends the output there."],
    "json": ["Add `--json` for machine readable output: {c}.", "{c} prints the result as JSON."],
    "json_devices": ["{c} prints the devices as JSON.", "Run {c} to get the devices as JSON."],
    "stats": ["Add `--stats` to see speed and memory of a run: {c}.",
              "{c} prints tokens per second and memory after the run."],
    "interrupt": ["Press Ctrl-C once to stop the answer and again to leave tawny.",
                  "Ctrl-C stops the answer; a second Ctrl-C leaves tawny."],
    "codes": ["The exit codes are 0 success, 1 error, 2 usage, 3 bad model, 4 no device, 5 out of "
              "memory, 6 device lost, 7 verification failed."],
    "status": ["Run `echo $?` right after tawny to see its exit code; 0 means success."],
    "oom": ["Use a smaller context, for example {c}, or a smaller model.",
            "Lower the context with `-c`: {c}; a smaller model needs less too."],
    "lost": ["Check the GPU with `tawny verify`; a lost device gives exit code 6."],
    "nodevice": ["Run `tawny devices` to see what is found; no device at all gives exit code 4."],
    "badmodel": ["Check the file with {c}; a missing or bad model gives exit code 3.",
                 "{c} says what is wrong with the file."],
    "who": ["I am a small guide to tawny, a language model that ships with it.",
            "I am the guide to tawny, a tiny model that answers questions about its commands."],
    "about": ["tawny runs language models and Whisper speech models wholly on the GPU through Vulkan, "
              "and can prove that the results are right.",
              "tawny is a program that runs language models and speech models on the GPU through "
              "Vulkan."],
    "formats": ["tawny runs GGUF files of the llama and qwen2 families and Whisper speech models; "
                "`tawny inspect FILE` shows what a file is."],
    "help": ["I can help with tawny: run, chat, transcribe, listen, serve, devices, inspect, verify, "
             "bench, eval and tokenize. What would you like to do?"],
    "hello": ["Hello! Ask me how to do something with tawny.",
              "Hello! What would you like to do with tawny?"],
    "thanks": ["You are welcome! Ask me anything else about tawny.", "You are welcome!"],
    "bye": ["Goodbye!", "Goodbye, and have fun with tawny!"],
    "c_api": ["Include `tawny.h` and link with `pkg-config --cflags --libs tawny`.",
              "The C library offers the same: include `tawny.h` and link with `pkg-config --cflags "
              "--libs tawny`."],
    "options": ["`tawny --help` lists all commands and options.",
                "Run `tawny --help` to see every command and option."],
    "version": ["`tawny --version` prints the version.", "Run `tawny --version` to see it."],
    "demo": ["Run `make demo` in the source folder: it installs what is needed, builds and shows it.",
             "`make demo` builds tawny and runs its own small model."],
    "check": ["`make check` builds tawny and runs all its tests.", "Run `make check` to run all tests."],
    "other": ["Sorry, I can only help with tawny: running, transcribing, serving, checking and "
              "measuring models.",
              "I can only help with tawny and its commands, sorry."],
}
