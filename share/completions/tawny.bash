# Completion of tawny's verbs, options and files for bash.

_tawny_options() {
    case $1 in
    run)
        echo "-p --prompt -f --file --lines --system --chat --raw -n --predict --n-predict -c
            --ctx-size -b --batch-size --temp --temperature --top-k --top-p --min-p -s --seed
            --repeat-penalty --presence-penalty --frequency-penalty --repeat-last-n --logit-bias
            -r --stop --ignore-eos --device --no-verified-variants --no-int-dot --json --stats"
        ;;
    transcribe)
        echo "-l --language -dl --detect-language --task -tr --translate -f --output-format
            -o --output-dir --prompt --initial-prompt --hotwords -nt --no-timestamps --no-context
            --condition-on-previous-text --temperature --temperature-increment-on-fallback
            -bs --beam-size --patience --length-penalty -bo --best-of
            --compression-ratio-threshold --logprob-threshold --no-speech-threshold
            --batch --batch-size
            --word-timestamps --highlight-words --max-line-width --max-line-count
            --max-words-per-line --prepend-punctuations --append-punctuations
            --hallucination-silence-threshold
            -s --seed --vad -vm --vad-model -vt --vad-threshold -vspd --vad-min-speech-duration-ms
            -vsd --vad-min-silence-duration-ms -vmsd --vad-max-speech-duration-s -vp
            --vad-speech-pad-ms -vo --vad-samples-overlap --device --no-verified-variants
            --no-int-dot --json
            --stats"
        ;;
    listen)
        echo "-l --language --task -tr --translate --prompt --initial-prompt --step --source
            --format -vm --vad-model -vt --vad-threshold --device --no-verified-variants
            --no-int-dot --json"
        ;;
    devices) echo "--json" ;;
    inspect)
        echo "-c --ctx-size -b --batch-size --batch_size --batch -bs --beam-size --beam_size -bo
            --best-of --best_of --word-timestamps --word_timestamps --tensors --device
            --no-verified-variants --no-int-dot --json"
        ;;
    tokenize) echo "--special --decode --no-bos -f --file --json" ;;
    eval)
        echo "--tokens --logits --chunk -f --file --perplexity --references
            -c --ctx --ctx-size -b --batch-size --device --no-verified-variants
            --no-int-dot --json --stats"
        ;;
    bench)
        echo "-p --n-prompt -n --n-gen -r --repetitions -b --batch-size -c --ctx-size
            -w --windows --profile --device --no-verified-variants --no-int-dot --json --stats"
        ;;
    verify)
        echo "--kernel -s --seed --cases --only --quick --thorough --bench --report --compile-only
            -p --prompt -n --predict --save --against --device --json"
        ;;
    esac
    echo "-v --verbose -q --quiet -h --help --version"
}

_tawny() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} verb= i
    local verbs="run transcribe listen devices inspect tokenize eval bench verify help"
    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        if [[ " $verbs " == *" ${COMP_WORDS[i]} "* ]]; then
            verb=${COMP_WORDS[i]}
            break
        fi
    done
    if [[ -z $verb ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$verbs --version --help" -- "$word")
    elif [[ $verb == help ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$verbs" -- "$word")
    elif [[ $before == --device || $before == -dev ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$(tawny devices 2>/dev/null |
            sed -n 's/^\([0-9][0-9]*\)  .*/\1/p')" -- "$word")
    elif [[ $word == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$(_tawny_options "$verb")" -- "$word")
    else
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
    fi
}

complete -F _tawny tawny
