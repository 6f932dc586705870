"""Fills the slots of the patterns: names of files, devices, languages, numbers.

Every function takes a random.Random and returns (what the question says, what the command holds).
"""

STEMS = """meeting lecture interview talk speech podcast episode song call voice memo note radio show
movie film clip lesson course class seminar webinar keynote zoom standup sermon debate story book
chapter concert album track sample test demo intro outro trailer news report summary minutes agenda
draft letter mail message question answer prompt essay article paper thesis poem novel recipe list
wiki data corpus train valid text notes todo plan idea journal diary log history guide manual readme
holiday birthday wedding party trip summer winter spring autumn beach garden kitchen office school
family mother father sister brother baby dog cat horse bird river mountain forest island city village
monday tuesday wednesday thursday friday saturday sunday january february march april may june july
august september october november december first second third last new old final raw clean edited
recording audio video sound mic input output result take session part one two three red green blue
alpha beta gamma delta omega hello world foo bar baz spam eggs apple banana cherry orange lemon
anna ben clara david emma felix greta hans ida jonas karl lena max nina otto paul rosa sara tom uwe
vorlesung rede gespraech konferenz cours reunion leccion clase musica intervista lezione aula
hearing court doctor patient customer support sales team board council public private secret""".split()

FAMILIES = """llama llama-2-7b llama-3 llama-3.1-8b llama-3.2-1b llama-3.2-3b qwen qwen2 qwen2.5-0.5b
qwen2.5-1.5b qwen2.5-7b qwen3 mistral mistral-7b mistral-nemo mixtral smollm smollm2 smollm2-135m
smollm2-360m smollm2-1.7b tinyllama tiny phi phi-2 phi-3-mini gemma gemma-2b gemma2 deepseek
starcoder codellama yi-6b falcon olmo granite stablelm zephyr vicuna alpaca orca hermes nous openchat
model small big test my-model base chat assistant story-teller finetune merged tawny-guide""".split()

QUANTS = ["q8_0", "q4_0", "q4_k_m", "q5_k_m", "q6_k", "f16", "bf16", "f32", "Q8_0", "Q4_K_M", "Q6_K"]
SPEECH = """whisper-tiny whisper-tiny.en whisper-base whisper-base.en whisper-small whisper-medium
whisper-large-v3 whisper-large-v3-turbo ggml-tiny ggml-tiny.en ggml-base ggml-base.en ggml-small
ggml-medium ggml-large-v3 ggml-large-v3-turbo distil-large-v3 distil-small.en whisper turbo""".split()
AUDIO_EXT = "mp3 wav ogg flac m4a opus webm mp4 mkv mov aac wma avi mpga".split()
TEXT_EXT = "txt txt txt md text log rst csv html".split()
FOLDERS = """out output texts transcripts results subs subtitles data tmp done notes text files
transcripts-2024 podcasts media archive work docs final export""".split()
DIRS = """models weights audio recordings data downloads music video share tmp files media ~/models
~/Music ~/Downloads ~/audio /tmp /data /srv/models /home/ana /mnt/disk ./ ../ work/audio""".split()

LANGUAGES = {
    "german": "de", "french": "fr", "spanish": "es", "italian": "it", "portuguese": "pt",
    "dutch": "nl", "polish": "pl", "czech": "cs", "russian": "ru", "ukrainian": "uk",
    "japanese": "ja", "chinese": "zh", "korean": "ko", "turkish": "tr", "arabic": "ar",
    "hindi": "hi", "swedish": "sv", "danish": "da", "norwegian": "no", "finnish": "fi",
    "greek": "el", "hungarian": "hu", "romanian": "ro", "english": "en", "hebrew": "he",
    "vietnamese": "vi", "thai": "th", "indonesian": "id", "catalan": "ca", "slovak": "sk",
    "bulgarian": "bg", "croatian": "hr", "welsh": "cy", "latin": "la", "persian": "fa",
}
FORMATS = {
    "srt": ["srt", "srt", "subtitles", "subtitle", "srt subtitles", "subrip", ".srt"],
    "vtt": ["vtt", "vtt", "webvtt", "web vtt", "vtt captions", "web captions", ".vtt"],
    "json": ["json", "json", ".json"],
    "tsv": ["tsv", "tsv", "tab separated", "tab-separated"],
    "csv": ["csv", "csv", "comma separated", "spreadsheet"],
    "lrc": ["lrc", "lrc", "lyrics", "lrc lyrics", "karaoke lyrics"],
    "txt": ["txt", "plain text", "plain txt", ".txt"],
    "all": ["all formats", "every format", "all output formats", "all the formats", "every output "
            "format", "each format"],
}
GPU_WORDS = ["gpu", "gpu", "gpu", "device", "graphics card", "card", "vulkan device", "video card",
             "graphics device", "gfx card", "graphic card", "GPU", "accelerator", "graphics processor"]
BRANDS = {
    "RTX": ["2060", "2070", "2080", "3050", "3060", "3070", "3080", "3090", "4060", "4070", "4080",
            "4090", "5070", "5080", "5090", "3060 Ti", "4070 Super", "4080 SUPER", "A4000", "A6000"],
    "GTX": ["1050", "1060", "1070", "1080", "1650", "1660", "1080 Ti", "970", "980"],
    "RX": ["480", "570", "580", "5500 XT", "5600 XT", "5700", "5700 XT", "6600", "6600 XT", "6700 XT",
           "6800", "6800 XT", "6900 XT", "7600", "7700 XT", "7800 XT", "7900 XT", "7900 XTX",
           "7900 GRE", "9060 XT", "9070", "9070 XT", "Vega 56", "Vega 64"],
    "Radeon": ["780M", "680M", "890M", "8060S", "VII", "Pro W7900", "RX 7900 XTX", "RX 6600",
               "Graphics", "RX 5700 XT"],
    "GeForce": ["RTX 3060", "RTX 4090", "GTX 1660", "RTX 2080", "RTX 5090", "MX450"],
    "Arc": ["A310", "A380", "A580", "A750", "A770", "B570", "B580"],
    "Tesla": ["T4", "P40", "V100"], "Quadro": ["RTX 4000", "P2000", "M4000"],
    "Intel": ["UHD 770", "Iris Xe", "Arc A770", "UHD 620"],
    "": ["A100", "H100", "H200", "L40S", "L4", "MI300X", "MI210", "Strix Halo", "llvmpipe", "gfx1100",
         "780M", "4090", "7900 XTX", "5700 XT", "3090", "A770", "B580", "6800 XT"],
}
ORDINALS = ["first", "second", "third", "fourth", "fifth"]

SYLLABLES = """ba be bo da de do fa fi ga go ha ho ja jo ka ke ki ko la le li lo ma me mi mo na ne ni
no pa pe pi po ra re ri ro sa se si so ta te ti to va ve vo wa we za zo ar el in or un al en is ox
bra cre dro fli gra klo pla stu tre qui sha cho""".split()


def nonsense(r):
    """A word that means nothing, so that names are copied and not remembered."""
    if r.random() < 0.6:
        return "".join(r.choice(SYLLABLES) for _ in range(r.randint(2, 4)))
    return "".join(r.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(r.randint(2, 8)))


def stem(r):
    x = r.random()
    if x < 0.45:
        s = r.choice(STEMS)
    elif x < 0.75:
        s = nonsense(r)
    else:
        s = r.choice(STEMS) + r.choice(["-", "_", "", "-", "_"]) + r.choice([r.choice(STEMS),
                                                                            nonsense(r)])
    x = r.random()
    if x < 0.15:
        s += r.choice(["", "-", "_"]) + str(r.randint(0, 99))
    elif x < 0.18:
        s += "-%d-%02d-%02d" % (r.randint(2019, 2027), r.randint(1, 12), r.randint(1, 28))
    if r.random() < 0.06:
        s = s.capitalize()
    elif r.random() < 0.02:
        s = s.upper()
    return s


def path(r, name):
    if r.random() < 0.08:
        d = r.choice(DIRS)
        return d + ("" if d.endswith("/") else "/") + name
    return name


def model(r):
    x = r.random()
    if x < 0.55:
        s = r.choice(FAMILIES)
        if r.random() < 0.15:
            s += r.choice(["-instruct", "-chat", "-it"])
        if r.random() < 0.35:
            s += r.choice(["-", "-", "."]) + r.choice(QUANTS)
    else:
        s = stem(r)
        if r.random() < 0.2:
            s += "-" + r.choice(QUANTS)
    return path(r, s + (".gguf" if r.random() < 0.97 else ".GGUF"))


def speech_model(r):
    x = r.random()
    s = r.choice(SPEECH) if x < 0.75 else "ggml-" + nonsense(r) if x < 0.85 else stem(r)
    if r.random() < 0.15:
        s += "-" + r.choice(["q5_0", "q5_1", "q8_0", "f16"])
    return path(r, s + (".bin" if r.random() < 0.85 else r.choice([".gguf", ""])
                        if "whisper" in s else ".bin"))


def audio(r):
    return path(r, stem(r) + "." + r.choice(AUDIO_EXT))


def text_file(r):
    return path(r, stem(r) + "." + r.choice(TEXT_EXT))


def folder(r):
    s = r.choice(FOLDERS) if r.random() < 0.5 else stem(r)
    return s + ("/" if r.random() < 0.1 else "")


def device(r):
    """A device by number, by ordinal or by name; the command's value is quoted if it has spaces."""
    x = r.random()
    g = r.choice(["gpu", "gpu", "device", "card", "graphics card"])
    if x < 0.32:
        n = r.choice([0, 1, 1, 1, 2, 2, 3, 4, 5, 6, 7])
        return r.choice(["%s %d", "%s %d", "%s number %d", "%s #%d", "%s no. %d", "the %s number %d",
                         "%s with index %d", "%s with number %d"]) % (g, n), str(n)
    if x < 0.36:
        n = r.choice([0, 1, 2, 3])
        return r.choice(["number %d", "index %d", "device index %d", "no. %d"]) % n, str(n)
    if x < 0.58:
        k = r.choice([0, 1, 1, 1, 2, 2, 3, 4])
        return r.choice(["the %s %s", "the %s %s", "my %s %s"]) % (ORDINALS[k], g), str(k)
    if x < 0.9:
        b = r.choice(list(BRANDS))
        s = (b + " " + r.choice(BRANDS[b])).strip()
        if r.random() < 0.1:
            s = r.choice(["AMD ", "NVIDIA ", "Intel ", "Nvidia "]) + s
    else:
        s = nonsense(r).capitalize() + " " + str(r.randint(100, 9999))
        if r.random() < 0.3:
            s += r.choice([" XT", " Pro", " Ti", " X"])
    y = r.random()
    if y < 0.35:
        s = s.lower()
    value = '"%s"' % s if " " in s else s
    return r.choice(["the %s", "the %s", "my %s", "my %s", "%s", "an %s"]) % s, value


def number(r, kind):
    """A number as one would give it to that option."""
    def frac(lo, hi, digits):
        return ("%." + str(digits) + "f") % r.uniform(lo, hi)
    if kind == "temp":
        return frac(0.1, 2, 1) if r.random() < 0.85 else r.choice(["0.05", "0.75", "1", "2", "0.25",
                                                                  "0.35", "1.25"])
    if kind == "top_k":
        return str(r.choice([5, 10, 20, 30, 40, 50, 64, 80, 100, 200, r.randint(1, 300)]))
    if kind == "top_p":
        return r.choice(["0.9", "0.95", "0.8", "0.7", "0.5", "0.85", "0.99", frac(0.1, 0.99, 2)])
    if kind == "min_p":
        return r.choice(["0.05", "0.1", "0.02", "0.01", "0.2", frac(0.01, 0.4, 2)])
    if kind == "seed":
        return str(r.choice([0, 1, 2, 3, 7, 42, 99, 123, 1234, 1337, r.randint(0, 99999)]))
    if kind == "context":
        return str(r.choice([512, 1024, 2048, 4096, 8192, 16384, 32768, 65536, 131072, 1000, 2000,
                             4000, 8000, r.randint(100, 40000)]))
    if kind == "length":
        return str(r.choice([1, 10, 16, 20, 25, 50, 64, 100, 128, 200, 256, 300, 500, 512, 1000,
                             r.randint(1, 3000)]))
    if kind == "repeat":
        return r.choice(["1.1", "1.2", "1.3", "1.15", "1.05", "1.5", frac(1, 2, 2)])
    if kind == "batch":
        return str(r.choice([2, 4, 8, 16, 16, 24, 32, 64, r.randint(2, 64)]))
    if kind == "beam":
        return str(r.choice([2, 3, 4, 5, 5, 6, 8, 10]))
    if kind == "port":
        return str(r.choice([80, 3000, 5000, 8000, 8080, 8081, 8888, 9000, 9090, 11434, 1234, 7860,
                             r.randint(1024, 65535), r.randint(1024, 9999)]))
    raise KeyError(kind)


PROMPT_WORDS = """the a my your old new red blue small big sea sun moon cat dog man woman house story
why is how are what does who once upon time there was tell me about write name three colours capital of
france hello world good day sky rust python linux river tree winter explain gravity light water in on
under and sat ran sings dances loves knows make list of five poem joke birds fish stars music code""".split()


def prompt(r):
    if r.random() < 0.15:
        return r.choice(["hello", "hi", "hello world", "once upon a time", "why is the sky blue",
                         "what is love", "the answer is", "tell me a joke", "write a poem"])
    s = " ".join(r.choice(PROMPT_WORDS) if r.random() < 0.85 else nonsense(r)
                 for _ in range(r.randint(1, 6)))
    if r.random() < 0.2:
        s = s.capitalize()
    return s + (r.choice(["?", ".", "!"]) if r.random() < 0.2 else "")


def stop_word(r):
    return r.choice(["END", "end", "STOP", "###", "User:", "Human:", "Q:", "\\n", "</s>", "---", ".",
                     "the end", "done", "***", "==", "Assistant:", "[END]", "EOF", ">>>", "amen",
                     nonsense(r), nonsense(r).upper()])
