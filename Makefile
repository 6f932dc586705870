# A thin front of the Meson build. Every target installs what it needs first (tools/setup), which
# takes well under a second when it is there.
#
#   make              build/tawny
#   make demo         text and a transcript from the models that ship with tawny, on the best
#                     Vulkan device there is
#   make check        all tests
#   make install      DESTDIR and PREFIX are honoured
#   make goldens      makes the golden files of the tests anew, with the oracles of PyPI
#   make check-long   every kernel under every condition, the mutants of the shaders, and CASES
#                     random cases of each kernel: hours on two cores. Also one by one:
#                     check-conditions, check-mutants, check-random
#   make check-amd    compiles every kernel for three AMD GPUs that need not be there
#   make check-real   greedy text and perplexity of a real model against llama.cpp
#   make check-speech the speech model of make demo against openai-whisper, faster-whisper and
#                     whisper.cpp: hours on two cores; CLIPS: what training/speech/heldout.py made
#   make check-bisect plants 44 faults in what runs the models of make demo; all must be named
#   make fuzz         fuzzes the parsers, FUZZ_SECONDS each
#   make bench        measures against llama.cpp
#   make clean

PREFIX ?= /usr/local
FUZZ_SECONDS ?= 60
CASES ?= 10000
DEMO_MODEL = share/tawny-guide-q8_0.gguf
DEMO_PROMPT = How do I see which GPUs I have?
DEMO_SPEECH_MODEL = share/tawny-speech-q5_0.bin
DEMO_SPEECH = tests/speech/clips/003.opus

all: build

setup:
	@tools/setup build

build/build.ninja: | setup
	meson setup build --prefix $(PREFIX)

build: setup build/build.ninja
	ninja -C build

demo: setup build/build.ninja
	ninja -C build tawny
	tools/vk build/tawny run $(DEMO_MODEL) -p "$(DEMO_PROMPT)"
	tools/vk build/tawny transcribe $(DEMO_SPEECH_MODEL) $(DEMO_SPEECH)

check:
	@tools/setup check
	@tools/check

install: build
	meson install -C build --no-rebuild

goldens:
	@tools/setup goldens peers
	tests/golden/make

check-real: build
	@tools/setup check peers
	tests/real/run

check-speech: build
	@tools/setup goldens peers
	.deps/venv/bin/python3 tests/speech/peers.py tools/vk build/tawny $(CLIPS) build/speech

checkers: build
	@tools/setup check
	ninja -C build check_kernels tests/check/greedy

check-conditions: checkers
	tests/check/kernels.py tools/vk build/check_kernels --all

check-mutants: checkers
	tests/check/mutants.py tools/vk build/check_kernels build/tests/check/greedy \
	    $$(PATH=.deps/bin:$$PATH command -v glslc) $(CURDIR)/build

check-random: checkers
	tests/check/many.py tools/vk build/check_kernels --cases $(CASES) --state build/many.json

check-long: check-conditions check-mutants check-random

check-bisect: build
	@tools/setup check
	ninja -C build tests/test-check-bisect
	TAWNY_BISECT=all TAWNY_SOURCE=. TAWNY_BUILD=build tools/vk --test build/tests/test-check-bisect

check-amd: build
	@tools/setup check
	@ninja -C build tests/check/test-check-spills
	tests/check/compile.py tools/vk build/tawny build/tests/check/test-check-spills --all

fuzz:
	@tools/setup check
	tools/fuzz $(FUZZ_SECONDS)

bench: build
	@tools/setup peers
	bench/run

clean:
	rm -rf build build-asan build-fuzz

.PHONY: all setup build demo check checkers check-conditions check-mutants check-random check-long \
        check-amd check-bisect check-speech install goldens check-real fuzz bench clean
