"""What people ask the guide: one entry an intent, each a list of patterns.

A pattern is text with `{a|b|}` alternatives (they nest) and `<slot>` marks that generate.py fills.
Kinds: `do` is a verb phrase ("list my gpus") that generate.py wraps ("how can I …"), `get` is a
noun phrase ("a list of gpus"; "give me …"), `ask` stands by itself.
Slots: <m> a language model, <w> a speech model, <a> audio, <x> two or more audio files, <t> a text
file, <p> a quoted text, <d> a device, <g> the word for a GPU, <n> a number, <l> a language,
<f> an output format, <o> a folder, <c> an exit code,
<z> a special token. <m>, <w> and <a> may become plain words.
"""

INTENTS = {
"devices": dict(
    do=["{list|show|display|print|see|view|get|enumerate} {the|my|all|all the|available|all my|} <g>s",
        "{see|check|find out|know|tell|look up} {which|what} <g>s {are there|exist|I have|i have got|"
        "tawny {sees|finds|knows|can use|detects|supports}|are {available|installed|present|found}}",
        "{see|check|find out|know} {if|whether} {my <g>|the <g>|my {nvidia|amd|intel|radeon|geforce} "
        "{card|gpu|}} is {detected|recognised|recognized|found|seen|visible|listed|there|supported}",
        "{find|get|look up|see|learn} the {name|names|uuid|uuids|index|number|numbers|id|ids} of "
        "{my|the|each|every|all} <g>{s|}",
        "{detect|discover|scan for|look for|query} {the|my|available|} <g>s",
        "{know|find out|see} {the {number|index|id|uuid|name}|which number} {of|for} {a|each|my|the} <g>",
        "{see|show|list} {the|my|} {graphics|vulkan|gpu} hardware {in|of} this {pc|machine|computer|box}",
        "see what {hardware|gpus} {it|tawny} {can|could} {use|run on|work with}"],
    get=["{a|the} list of {the|my|all|available|} <g>s", "{the|my|all|available} <g>s",
         "{an overview|a summary|a table|information} {of|about|on} {the|my|all} <g>s", "<g> list",
         "{device|gpu|hardware} {list|listing|info|information|overview|names|numbers|uuids}",
         "the {name|number|index|uuid|id} of {my|the|a|each} <g>", "list <g>s"],
    ask=["{what|which} <g>s {do I have|have I got|are there|are available|are in {this|my} "
         "{machine|pc|computer|box|laptop|server}|does {tawny|it|this} {see|find|know|detect|support|"
         "recognise|offer}|can {tawny|it|I} {use|see|run on|choose from|pick from}}",
         "{what|which} {hardware|graphics hardware|vulkan hardware} {is there|is available|"
         "does {tawny|it} {see|find|detect|use}}",
         "{does|can} {tawny|it} {see|find|detect|recognise|recognize|support|pick up} my "
         "{<g>|nvidia|amd|radeon|geforce|intel card|nvidia card|amd card}",
         "is my {<g>|nvidia|amd card|radeon|geforce|intel gpu} {detected|recognised|recognized|seen|"
         "found|supported|visible|picked up|there} {at all|by tawny|}", "where {is|are} my <g>{s|} listed",
         "how many <g>s {are there|do I have|have I got|does it see|can tawny use}",
         "what is {my <g> called|the name of my <g>|the {number|index|uuid|id} of my <g>}",
         "which number {is|has} my <g>", "{gpus|devices}", "what can {it|tawny} run on",
         "where can I {find|see|get|read} the {uuid|index|name|number|id} of {a|my|the|each} <g>"]),
"device": dict(
    do=["{run|start|use|load|open|launch} {<m>|the model|a model} {on|with|using} <d>",
        "{use|pick|choose|select|take|force|switch to|set|prefer} <d>",
        "{use|pick|choose|select|take|switch to} <d> {for <m>|for this|for the model|instead|to run <m>}",
        "{run|start|work|go} on <d>", "{make|let} {it|tawny|the model|<m>} {use|run on|take|go to|"
        "work on|choose|pick} <d>", "tell {tawny|it} to {use|take|run on|pick} <d>",
        "{put|place|move|load} {the model|<m>|it} {on|onto|on to} <d>",
        "{have|get} {it|tawny|<m>} {on|running on|to use|to run on} <d>"],
    get=["{it|tawny|<m>|the model} on <d>", "{the model|<m>} to {use|run on} <d>"],
    ask=["{can|could|does|will} {it|tawny|<m>|the model} {run on|use|work on|work with} <d>",
         "{it|tawny} {should|must|has to|needs to} {use|run on|take|be on} <d>",
         "{i|we} {want|need|would like} {it|tawny|the model} {to use|to run on|on} <d>",
         "not the {integrated|first|other|default|wrong|slow} {gpu|one|card|graphics}, {I want|use|take|"
         "but} <d>", "{I have|there are} {two|several|three} gpus, {use|take|run on|i want} <d>",
         "{my laptop has|this machine has|there are} two gpus and {it|tawny} should {use|take} <d>",
         "it {uses|takes|picks|chose} the wrong gpu, I want <d>"]),
"device_any": dict(
    do=["{choose|pick|select|change|set|specify|switch|force|decide} {the|a|another|a different|"
        "a specific|a particular|the right|which} <g>{ it uses|}",
        "{choose|decide|say|tell it|specify|control|select|set} which <g> {is used|it uses|to use|it takes|"
        "tawny uses|it runs on|gets used}", "{run|use|work} on {another|a different|a certain} <g>",
        "{switch|change} {from one <g> to another|between <g>s|to the other <g>|<g>s}",
        "use {the other|my other|another|a specific|a certain|my discrete|my dedicated|my external} <g>"],
    get=["another <g>", "a different <g>", "the other <g>", "<g> {selection|choice|option}",
         "the {flag|option|switch} for {choosing|selecting|picking} {a|the} <g>"],
    ask=["{I have|there are|my machine has|my pc has} {two|several|three|many|a few|more than one} <g>s"
         "{, which one does it use|, how do I {choose|pick|select} {one|between them}|, and now}",
         "it {uses|takes|picks|chose|runs on} the wrong <g>", "what is the --device {flag|option} for",
         "which {flag|option|switch|argument} {selects|chooses|picks|sets|changes} the <g>",
         "{how|where} {do|can} I {say|tell it} which <g>"]),
"software": dict(
    do=["{run|use|start|try|work} {tawny|it|<m>|a model|} {without a {gpu|graphics card}|on the "
        "{cpu|processor|software device|software renderer}|with {lavapipe|llvmpipe|no gpu}}",
        "use {lavapipe|llvmpipe|the software {device|renderer|driver|vulkan device}|software rendering|"
        "the cpu {device|instead|}}", "force {lavapipe|llvmpipe|the software {device|renderer}|software}"],
    get=["software {rendering|device|vulkan}", "{lavapipe|llvmpipe}", "cpu mode"],
    ask=["{does|can|will} {it|tawny} {run|work} {without a {gpu|graphics card|card}|on {a|the|my} {cpu|"
         "processor}|on lavapipe|on llvmpipe}", "I {have no|don't have a|haven't got a} {gpu|graphics card}",
         "{is there|has it got} a {software|cpu} {mode|device|renderer|fallback}",
         "what if {there is|i have} no {gpu|graphics card}", "this machine has no {gpu|graphics card}"]),
"inspect": dict(
    do=["{inspect|examine|look at|look into|look inside|open up|check out|study|analyse|describe|explore} "
        "<m>", "{see|show|print|display|list|dump|view|read|get|find out} {the|all|every|all the} "
        "{metadata|tensors|tensor|tensor names|tensor list|layers|contents|content|details|header|keys|"
        "properties|parameters|architecture|quantisation|quantization|shapes|weights} {of|in|inside|from|"
        "that are in} <m>", "{see|find out|know|check|tell|show} what {<m> {contains|holds|has|is made of|"
        "consists of}|is {in|inside} <m>|<m> has inside}",
        "{find out|see|check|know} {how many {layers|tensors|parameters|heads|weights} <m> has|which "
        "{quantisation|quantization|architecture|type|format|quant} <m> {has|uses|is}|how big <m> is}",
        "{get|read|have} {information|info|details|facts|the details} {about|on|of} <m>",
        "learn {more|something} about <m>"],
    get=["{information|info|details|facts|metadata} {about|on|for|of} <m>",
         "{the|all|a list of the} {metadata|tensors|layers|header|keys|architecture|contents|quantisation|"
         "tensor names|tensor shapes} {of|in|from} <m>", "{a|an} {description|overview|summary} of <m>"],
    ask=["{what is|what's|whats} {in|inside|the content of|the architecture of|in the header of} <m>",
         "{what|which} {tensors|metadata|layers|weights|keys} {does <m> have|are in <m>|does <m> contain|"
         "has <m> got|are inside <m>}", "what {does|do} <m> {contain|hold|have inside|consist of}",
         "{what|which} {quantisation|quantization|quant|architecture|type|kind of model|context length} "
         "{is|does|has} <m>{ use| have|}", "how many {layers|tensors|parameters|heads|weights} {does <m> have|"
         "are in <m>|has <m>|has <m> got}", "how {big|large} is <m>",
         "what {kind|sort|type} of {file|model} is <m>", "tell me {about|more about|what is in} <m>",
         "I {found|have|got|downloaded|was given} <m>{,| and want to know} what is {it|in it|inside}"]),
"memory": dict(
    do=["{know|see|check|find out|estimate|calculate|predict|tell} {if|whether} <m> {fits|will fit|would fit|"
        "can fit} {in|into|on} {my|the|} {gpu|vram|memory|gpu memory|card|video memory|graphics memory|8 gb}",
        "{see|know|check|find out|estimate|predict|calculate|plan} how much {memory|vram|gpu memory|"
        "video memory|ram|space} <m> {needs|takes|uses|will need|will take|would use|requires|wants}",
        "{estimate|predict|plan|calculate|see|check} the {memory|vram|gpu memory} {use|usage|need|needs|plan|"
        "of|for|requirements} {of|for} <m>", "{plan|estimate|check} memory before {loading|I load} <m>"],
    get=["{a|the} memory {plan|estimate|requirement|footprint|forecast} {for|of} <m>",
         "an estimate of {the|its} {memory|vram}{ of <m>|}", "the {vram|memory|gpu memory} {needs|need|usage} "
         "of <m>", "the memory {plan|needs|use} before {loading|it loads}{ <m>|}"],
    ask=["{does|will|would|can|could} <m> fit {in|into|on} {my|the|} {gpu|vram|memory|card|video memory|"
         "graphics card|gpu memory}", "how much {memory|vram|gpu memory|video memory|ram|graphics memory} "
         "{does <m> need|does <m> take|will <m> use|is needed for <m>|do I need for <m>|would <m> take|"
         "does <m> require|do i need}", "{is|are} {4|6|8|12|16|24} {gb|gigabytes|gig} {of vram|of memory|of "
         "video memory|} {enough|sufficient|ok} for <m>",
         "do I have enough {memory|vram|gpu memory|video memory} for <m>",
         "is my {card|gpu|graphics card} {big|large} enough for <m>", "is <m> too {big|large} for my "
         "{gpu|card|vram|memory}", "{have|has} {I|my card} {enough|got enough} {vram|memory} for <m>"]),
"run": dict(
    do=["{generate|write|produce|make|create|output|get} {text|some text|a text|words|an answer|an article|"
        "a paragraph} {with|from|using|out of} <m>", "{generate|write|produce|create} {text|some text|"
        "a story|a text}", "{run|execute|use|start|try} <m> {with|on} {a|one|my} {prompt|question|text}",
        "{give|send|pass|feed|hand} {it|tawny|<m>} {a|one|my} {prompt|question|text|single prompt}",
        "{ask|put} {<m>|it} {a|one|a single} question{ to <m>| once| without chatting|}",
        "{complete|continue|finish} {a|my} {text|sentence|prompt|story} with <m>",
        "{have|let|make} <m> {write|complete|answer|continue|generate} {something|text|a story|a sentence|"
        "one prompt|a prompt}", "{run|start} {<m>|a model|a language model|an llm}{ once| one time|}",
        "{run|do} {inference|text generation|generation} {with|on} <m>", "prompt <m>",
        "get {one|a single} answer {from|out of} <m>"],
    get=["{text generation|a completion|a text|some text|an answer|one answer|a reply} {from|with|by|out of} <m>",
         "text from a prompt", "{one|a single} {answer|completion|reply}, {no|not a} {chat|conversation}"],
    ask=["how does text generation work", "where do I {put|write|type} {the|my|a} prompt",
         "{what|which} command {generates|writes|makes} text", "I have <m> and {want|need} text{ from it|}",
         "what is the -p {flag|option} for", "how do I use <m>"]),
"run_p": dict(
    do=["{ask|prompt|tell|query|run|question|call} <m> {with|} <p>", "{run|start|use|execute|try} <m> {with|on} "
        "{the|my|this|} {prompt|text|question|words|line|} <p>",
        "{generate|write|produce|create|make} {text|something|a text|} {from|with|for} {the prompt|the text|"
        "} <p> {with|using|on|by} <m>", "{give|send|pass|feed|hand|say|put|type} <p> to <m>",
        "{let|make|have} <m> {answer|continue|complete|finish|write|reply to|respond to|work on} <p>",
        "{complete|continue|finish|answer} <p> {with|using|by} <m>", "prompt <m> with <p>",
        "{generate|write} text {from|with|using} <m> {with|for} the {prompt|words|text} <p>"],
    get=["{an answer|a reply|a completion|text|the answer} {to|for|of} <p> {from|with|by} <m>"],
    ask=["what does <m> {say|answer|reply|make|think} {to|of} <p>", "the prompt is <p>{ and the model <m>|}",
         "my prompt is <p>", "how would <m> {answer|complete|continue} <p>"]),
"run_f": dict(
    do=["{read|take|load|get|use|pull|fetch} {the|my|a} {prompt|question|input|text} {from|out of|in} "
        "{the file|a file called|the text file|the file called|} <t>", "{use|take|give it|pass|send|feed it} <t> as "
        "{the|my|a} {prompt|input}", "{run|prompt|feed|start} <m> with {the file|the text in|what is in|the "
        "contents of|the prompt in|the prompt from|text from} <t>", "{give|pass|send|hand} {tawny|<m>|it} {the|a|my} "
        "{prompt|text} file <t>", "{let|have|make} <m> {read|use|take} {the prompt|its prompt|the prompt text} "
        "{from|in|out of} <t>", "{put|keep|store|have|save} {my|the|a long} prompt in <t>"],
    get=["the prompt {from|out of} {the file|a file called|} <t>", "<t> as {the|my|a} prompt"],
    ask=["my {prompt|question|text|long prompt|input} is {in|stored in|saved in|kept in|written in|inside} "
         "{the file|a file called|} <t>", "can {it|tawny|<m>|the prompt} {read|take|come from|be read from} "
         "{a prompt from|prompts from|the prompt from|the file|} <t>", "is there a way to {read|take} a prompt "
         "from <t>", "the prompt {is|lives|sits|stands} in <t>, {how do I use it|what now|run it}"]),
"stdin": dict(
    do=["{pipe|stream} {text|a prompt|something|a file|my prompt|input} {into|to|through} {tawny|it|<m>|a model}",
        "{read|take|get} {the|a|my} {prompt|input|text} from {stdin|standard input|a pipe|the pipe}",
        "{use|give it|feed it} {stdin|standard input|a pipe}", "{send|pass|give} {the|a} prompt {on|over|"
        "through|via|by} {stdin|standard input|a pipe}"],
    get=["{the|a} prompt {from|over|on|via} {stdin|standard input|a pipe}", "{stdin|pipe|standard input} "
         "{support|input|reading}"],
    ask=["{does|can} {it|tawny|<m>} {read|take|work with|accept|support|understand} {stdin|standard input|pipes|"
         "a pipe|piped input|piped text}", "can I {pipe|echo|cat} {text|a prompt|something|a file} {into|to} "
         "{it|tawny}", "echo hello | tawny", "cat prompt | tawny{ run|}",
         "{does|would} {piping|a pipe|echo with a pipe} work"]),
"chat": dict(
    do=["{chat|talk|speak|converse|have a chat|have a conversation|have a dialogue|discuss} {with|to} <m>",
        "{chat|talk|have a conversation|discuss things} {in|from|on} {the|my} {terminal|shell|console|command line}",
        "{start|open|begin|launch|run} {a|an|the|} {chat|conversation|dialogue|dialog|talk|chat session|"
        "interactive session|interactive chat|discussion} {with <m>|}", "{use|start|run|open} {<m>|it} "
        "{interactively|in chat mode|as a chatbot|as a chat bot|in interactive mode|for chatting|as an assistant}",
        "just {chat|talk}{ with <m>| to <m>| a bit|}", "{ask|put} {several|many|more} questions {in a row|to <m>|"
        "one after the other|after another}", "have <m> as a {chatbot|chat partner|assistant}"],
    get=["{a|an} {chat|conversation|dialogue|interactive session|chat session|chatbot|chat prompt} "
         "{with <m>|in the terminal|}", "{chat|interactive} mode{ for <m>|}", "chatting with <m>",
         "someone to {talk|chat} {to|with}"],
    ask=["{is there|does it have|has it got|has tawny} {a|an} {chat|interactive|conversation} {mode|prompt|"
         "function|command}", "can I {talk|chat|speak} {to|with} {it|<m>|the model|the ai}", "chat",
         "{does|can} {tawny|it} {do|remember|keep|hold} {chat|conversations|a conversation|history}",
         "how does the chat work", "chat {with |}<m>"]),
"transcribe": dict(
    do=["{transcribe|write out|write down|type out|type up|take down|put in writing} <a>",
        "{make|create|get|write|produce|generate|do|extract} {a|the} {transcript|transcription|text|"
        "written version|text version|script} {of|from|for|out of} <a>",
        "{convert|turn|change|transform|bring} <a> {to|into} {text|words|writing|a text|written text|a transcript|"
        "a text file}", "{convert|turn|change|transform} {speech|audio|voice|sound|spoken words|talking} {to|into} "
        "{text|writing|written words}", "{extract|get|pull} {the|all} {text|words|speech|spoken text|spoken words} "
        "{from|out of|in} <a>", "{recognise|recognize|understand|decode} {the|} {speech|words|voice} {in|of|from} <a>",
        "{run|do|perform|start|use} {speech recognition|speech to text|a transcription|stt|asr|whisper|dictation} "
        "{on|of|for|over|with} <a>", "{see|know|read|find out} what {is|was} {said|spoken|being said|talked about} "
        "in <a>", "{write|note|type} {down|out} what {is|was|they|people} {said|say|spoken} in <a>",
        "{use|run|apply|take} <w> {on|for|over|to transcribe|with} <a>", "transcribe <a> {with|using} <w>"],
    get=["{a|the} {transcript|transcription|text|script} {of|from|for} <a>", "the {words|text|speech} {in|of|from|"
         "out of} <a>", "{speech to text|speech recognition|transcription} {for|of|on} <a>",
         "<a> {as|in} {text|writing|words}", "everything {that is said|they say|people say|spoken} in <a> {as text|}"],
    ask=["what {is|was|do they|did they|does she|do people} {said|say|saying|spoken} in <a>", "{does|can|could} "
         "{it|tawny|you|whisper} {transcribe|handle|read|understand|do|write down|process} <a>",
         "I {have|recorded|made|got|have got} <a> and {need|want|would like} {the|it as|a} {text|transcript|words}",
         "{what|which} command {transcribes|writes down|converts} <a>", "<a> to text", "speech to text",
         "how does {transcription|speech recognition|speech to text} work", "here is <a>, {write it down|"
         "transcribe it|what does it say|make it text}", "transcribe"]),
"transcribe_many": dict(
    do=["transcribe <x>{ at once| together| in one go| in one call| with one command|}",
        "{make|get|create|write} {transcripts|text|a transcript} {of|for|from} <x>",
        "{convert|turn} <x> {to|into} text", "{run|do} {speech recognition|a transcription} on <x>",
        "{process|handle|do} <x> {at once|together|in one go|in one call}"],
    get=["{transcripts|the text|the words|a transcript} {of|for|from|in} <x>"],
    ask=["can {it|tawny} {transcribe|do|handle|take} <x> {at once|together|in one go|at the same time|}",
         "what is said in <x>", "I have <x>, {transcribe them|transcribe both|transcribe all of them|I need the text}"]),
"format": dict(
    do=["{transcribe|write out|convert|turn|write|save|export|store} <a> {as|to|into|in} {an|a|} <f>{ file| format|}",
        "{make|create|write|get|generate|produce|save|export|build} {an|a|} <f>{ file|} {from|for|of|out of} <a>",
        "{get|have|save|write|export|print|put|store} {the|a|my} {transcript|transcription|text|result|output} {of <a> "
        "|}{as|in|to|into} {an|a|} <f>{ file| format| form|}", "{transcribe|write} <a> with <f> output"],
    get=["{an|a|} <f>{ file| output|} {of|for|from|out of} <a>", "<f> {output|format|from the transcription}{ for <a>|}",
         "{the|a} {transcript|transcription} {of <a> |}{as|in} <f>", "<a> as <f>"],
    ask=["can {it|tawny|the {transcript|transcription|output}} {write|make|output|be|produce|be written as|export|"
         "be saved as} <f>{ files| format|}{ for <a>|}", "{which|what} {option|flag|command} {gives|makes|writes|"
         "produces|is for} {me |}<f>{ output| files|}", "I {need|want} <a> {as|in} <f>",
         "{does|can} transcription {support|do|give|output} <f>"]),
"translate": dict(
    do=["translate <a>{ to english| into english|}", "translate {speech|audio|a recording|what is said|spoken "
        "<l>|a <l> recording|foreign speech} {to english|into english|}",
        "{put|turn|convert|bring|transcribe|get|change} <a> {into|to|in} english",
        "{get|make|write|have|produce} {an|the} english {translation|text|version|transcript} {of|from|for} "
        "{<a>|a <l> recording|<l> audio|<l> speech|spoken <l>|a <l> file}",
        "{translate|transcribe and translate} {a|the|my|some} <l> {recording|audio|file|podcast|video|speech|talk}"
        "{ to english| into english|}", "{understand|read} {a|the} <l> {recording|podcast|video|speech} in english"],
    get=["{an|the} english {translation|version|text|transcript} {of|from|for} {<a>|a <l> recording|a <l> video|"
         "<l> speech|a <l> podcast}", "{a|the} translation of <a>", "english {text|subtitles} {from|for} <l> "
         "{audio|speech}", "translation", "speech translation"],
    ask=["{can|does|could} {it|tawny|whisper|you} translate{ <a>| speech| audio| recordings| to english|}",
         "<a> is in <l> {and|but} I {want|need|would like} {english|it in english|english text}",
         "the {speaker|speakers|recording|audio|talk|file} {is|are|speaks} {in |}<l>{,| and| but} I {want|need} "
         "{it in english|english|the text in english|english text}", "from <l> to english", "<l> to english",
         "I don't {speak|understand} <l>, {translate <a>|what does <a> say in english}",
         "how do I {say|tell it|set} the translate task", "what is the translate {task|option}"]),
"language": dict(
    do=["{set|choose|force|specify|give|select|fix|pick|say|state} {the|} language {to|as|=} <l>{ for <a>|}",
        "transcribe {a|the|my|some} <l> {recording|audio file|file|podcast|video|speech|talk|audio}",
        "transcribe <a> in <l>", "{transcribe|write down|convert to text} <l> {speech|audio|recordings} "
        "{from|in} <a>", "{tell|say to|let} {it|tawny|whisper} {that <a> is {in |}<l>|the {language|audio|speech|speaker} "
        "is <l>|know it is <l>}", "{say|specify|state} that {<a>|the {recording|audio|speech|speaker|file}} is {in |}<l>",
        "{mark|treat|read|handle} <a> as <l>", "{turn|convert|put} {spoken <l>|<l> speech} {to|into} text",
        "{get|make} {a|the} <l> {transcript|transcription|text} {of|from|for} <a>"],
    get=["{a|the} <l> {transcript|transcription|text} {of|from|for} <a>", "{a transcript|the text|the words} {of|from} "
         "<a>, {the language is|it is|spoken in|which is in} <l>", "{language|the language} <l> for <a>",
         "<a> as <l>"],
    ask=["{<a>|the {recording|audio|file|speech|talk|video}} is {in |}<l>", "{<a>|the audio|the recording} is <l>, "
         "{how do I say {so|that}|transcribe it|what do i type|write it down}", "the {speaker|speakers|people|person|man|"
         "woman} {speaks|speak|talks|talk|is speaking|are speaking} <l>{ in <a>|}",
         "they {speak|talk} <l>{ in <a>|}", "can it {do|understand|transcribe|write|handle} <l>{ speech| audio|}",
         "does {it|tawny|whisper} {know|support|understand|speak} <l>", "<l> {speech|audio} in <a>",
         "I have a {recording|podcast|video} in <l>{, transcribe it| and need the text|}"]),
"detect": dict(
    do=["{detect|find out|guess|identify|determine|recognise|recognize|see|know|work out} {the|which|what} "
        "language{ of <a>| in <a>| that is spoken in <a>| <a> is in| is spoken| of a recording| they speak|}"],
    get=["language {detection|identification|recognition}{ for <a>|}", "the language {of|in|spoken in} <a>"],
    ask=["{what|which} language {is <a>{ in|}|is spoken in <a>|do they speak in <a>|does <a> have|is that in <a>|"
         "is this recording in|is spoken}", "can {it|tawny|whisper} {detect|guess|tell|find out|identify|recognise|"
         "find} {the|which} language{ of <a>| by itself| of a file|}",
         "I don't know {the|which|what} language{ of <a>| is spoken in <a>| <a> is in| they speak|}"]),
"words": dict(
    do=["{get|show|print|have|see|write|add|find} {the|} {word times|word timestamps|word level timestamps|"
        "times for {each|every} word|timestamps {for|of} {each|every|all|the} word{s|}|the time of each word|"
        "word timing|word timings} {for|of|in} <a>", "see when {each|every|a|which} word {is|was} {said|spoken} in <a>",
        "transcribe <a> with {word times|word timestamps|word level times|a time for each word|times for every word}",
        "time {every|each|the} word{s|} {in|of} <a>"],
    get=["word {times|timestamps|timings|level timestamps|level times}{ for <a>| of <a>|}",
         "{the|a} {time|timestamp|times|timestamps} {for|of} {each|every|all} word{s|}{ in <a>| of <a>|}",
         "a timestamp on {each|every} word", "{a transcript|the text} {of <a> |}with {word times|word timestamps}"],
    ask=["when {is|was} {each|every} word {said|spoken}{ in <a>|}", "can {it|tawny} {give|print|do|show} "
         "{word times|word timestamps|times for words|times {for|of} {each|every} word}",
         "at what time {is|was} {each|every|which} word {said|spoken}"]),
"batch": dict(
    do=["{transcribe|process|run} {several|many|more|<n>} {windows|pieces|parts|chunks|segments} {at once|together|"
        "in parallel|at the same time}{ of <a>| for <a>|}", "{speed up|accelerate|make faster} {transcription|"
        "transcribing|<a>|a long recording|the transcription of <a>}", "{transcribe|do} <a> {faster|more quickly|"
        "in a batch|in batches|in batch mode|in parallel}", "use a batch{ size|} of <n>{ for <a>|}",
        "set the batch{ size|} to <n>{ for <a>|}"],
    get=["{faster|quicker|parallel|batched|speedier} {transcription|transcribing}{ of <a>|}", "a batch{ size|} of <n>"
         "{ for <a>|}", "batch {mode|transcription}"],
    ask=["transcription {is|of <a> is} {too slow|slow|taking too long|taking forever}", "can {it|tawny} transcribe "
         "<a> {faster|in parallel|in batches|more quickly}", "transcribing <a> takes {too long|hours|ages|very long}",
         "<a> is {very long|hours long|so long}, {can it go faster|make it faster|how do I speed it up}"]),
"outdir": dict(
    do=["{write|save|put|store|place|output} {the|all|my|} {transcript|transcripts|transcription|text|texts|"
        "results|result|subtitles|output|files} {of <a> |}{to|in|into|under} {the folder|the directory|a folder called|"
        "a directory called|folder|directory|} <o>", "{transcribe|write out} <a> {into|to} {the folder|the directory|"
        "folder|directory|} <o>", "{choose|set|use} <o> as {the|my|} output {folder|directory}{ for <a>|}"],
    get=["the {output|transcript|transcripts|result} {of <a> |}in {the folder|the directory|folder|} <o>"],
    ask=["can {it|tawny|the transcript} {write|save|go} {to|into} {the folder|a folder called|the directory|} <o>",
         "the {transcript|transcripts|text|output} {of <a> |}{should|must|has to|shall} {go|be|be written|be saved|land} "
         "{to|in|into} {the folder|the directory|} <o>"]),
"hint": dict(
    do=["{give|tell|pass|hand} {it|tawny|whisper} {a hint|hints|context|names|a prompt|some names|special words|"
        "vocabulary} {for|about|before} {the|a} {transcription|recording|names|audio}",
        "{help|make} {it|tawny|whisper} {spell|get|recognise|know|write} {names|special words|technical terms|"
        "jargon|unusual words} {right|correctly|in the recording|}", "set {an|the} initial prompt{ for <a>|}",
        "{use|give} an initial prompt{ for <a>|}"],
    get=["an initial prompt{ for <a>| for transcription| for whisper|}", "{the right spelling of|better} names in "
         "{the|a} transcript", "a hint for {whisper|the transcription|names}"],
    ask=["{it|whisper|the transcript|tawny} {spells|writes|gets} {names|the names|technical terms|my name} {wrong|badly|"
         "incorrectly}", "names are {wrong|misspelled|spelled wrong} in the {transcript|text}",
         "{what|which} option {gives|passes} {hints|a hint|an initial prompt}"]),
"beam": dict(
    do=["{use|try|do|turn on|enable} beam search{ for <a>| on <a>|}", "{use|try|set} {a beam size of <n>|<n> beams|"
        "beam size <n>|beam search with <n> beams}{ for <a>| on <a>|}", "transcribe <a> with {beam search|<n> beams|"
        "a beam size of <n>|beam size <n>}", "set the beam size{ to <n>|}"],
    get=["beam search{ for <a>|}", "{<n> beams|a beam size of <n>}{ for <a>|}"],
    ask=["{does|can} {it|tawny} {do|support|use|have} beam search", "which flag sets the beam size"]),
"listen": dict(
    do=["{transcribe|use|listen to|record from|write down|caption} {my|the|a} {microphone|mic|voice|live speech}"
        "{ live| with <w>| in real time|}", "{dictate|dictate text|dictate something|dictate a letter|"
        "take dictation}{ with <w>| into tawny|}", "{turn|convert} {what I say|my voice|my speech|live speech|speech "
        "from the mic|microphone input} {to|into} text{ live| with <w>|}", "{write|type|take} down {what I say|what I am "
        "saying|my words|my speech|my voice}{ live| as I speak| while I speak| with <w>|}",
        "{get|make|have|show|see} live {captions|subtitles|transcription|transcripts|text}{ of my {voice|mic|microphone|"
        "speech}| with <w>|}", "{speak|talk} {into|to} {the|my} {mic|microphone} and {get|see} {text|the words}",
        "start {listening|dictation|live transcription|dictating}{ with <w>|}", "listen{ with <w>| live|}"],
    get=["live {captions|transcription|subtitles|speech recognition|dictation|transcript}{ with <w>|}",
         "{dictation|voice typing|voice input}{ with <w>|}", "a transcript of {my|the} {mic|microphone|voice}",
         "{real time|realtime|real-time} {transcription|speech to text|captions|speech recognition}{ with <w>|}"],
    ask=["{can|does|could} {it|tawny} {listen|hear|listen to me|hear me|use the microphone|use my mic|take dictation|"
         "listen to my {mic|microphone|voice}}{ live|}", "is there {live|real time|microphone|realtime|mic} "
         "{transcription|support|speech recognition|captioning|input}", "dictation", "microphone",
         "I {want|would like|need} {it|tawny} to {hear|listen to} me", "listen"]),
"serve": dict(
    do=["{start|run|open|launch|set up|host|bring up|spin up|create|provide|offer|have} {a|an|the|my|} {api|server|"
        "http server|web server|openai server|openai api|http api|rest api|api server|service|web service|web api|"
        "endpoint|backend|openai compatible {api|server|endpoint}} {with <m>|for <m>|}{ on port <n>| at port <n>| "
        "with port <n>|}", "{serve|host|expose|publish|share|offer|provide|deploy} <m> {over http|as an api|"
        "as a server|over the network|with an api|through an api|on the network|as a service|via http|to other "
        "programs|to my team|on a server|}{ on port <n>| at port <n>| with port <n>|}",
        "{use|reach|call|access|query|talk to} <m> {from|over|through} {http|an api|the network|another program|"
        "python|my app|the openai client|other machines|a browser|the web|javascript}",
        "{connect|point|hook up} {the openai client|my app|an openai client|other programs|another program|my script|"
        "my python code} to <m>", "run <m> as {a|an} {server|service|api|daemon|backend}{ on port <n>|}"],
    get=["{an|a} {api|server|http api|rest api|openai api|http server|api server|openai compatible {api|server|"
         "endpoint}|endpoint|web service|backend}{ for <m>| with <m>|}{ on port <n>| at port <n>|}"],
    ask=["{is there|does {it|tawny} have|has {it|tawny} got|do you have|can {it|tawny} {be|offer|provide|act as}} {an|a} "
         "{api|server|server mode|http api|openai api|rest api|endpoint|openai compatible server}",
         "can {other programs|my app|python|another computer|my script|other machines|a website} {use|call|reach|talk "
         "to} <m>", "{does|can} {it|tawny} {speak|support|do|offer} {http|the openai api|rest|an api|openai}",
         "serve{ <m>|}{ on port <n>|}", "my {app|program|script} {needs|wants} {an api|an openai api|an endpoint|"
         "a server}{ for <m>|}", "how do I use {the openai client|openai's python library|curl} with {tawny|<m>}"]),
"port": dict(
    do=["{change|set|choose|pick|select|use|switch} {the|another|a different} port{ to <n>| <n>| of the server| of the "
        "api| it listens on| for the server|}", "{use|listen on|serve on|open|bind to|run on|put it on} port <n>",
        "{make|let} the {server|api} {listen on|use|run on|take} {port <n>|another port|<n>}",
        "{run|start|move|put} the {server|api} {on|to|at} {port <n>|another port|a different port|<n>}"],
    get=["port <n>{ for the {server|api}|}", "{another|a different} port{ for the {server|api}|}",
         "the {server|api} on port <n>"],
    ask=["{which|what} port {does it use|is it on|does the server listen on|does the api use}", "port {is |}<n>",
         "can {it|the server|the api} {use|listen on|run on|be on|sit on} {port <n>|another port|<n>}",
         "the port is {taken|busy|already in use|in use|occupied|used}", "I {need|want} port <n>"]),
"verify": dict(
    do=["{check|test|verify|find out|know|see|prove|make sure|ensure|tell|confirm|be sure} {that|if|whether} {my <g>|"
        "the <g>|this <g>|it|tawny|my hardware|my driver|everything} {computes|calculates|works|is computing|counts|"
        "gives results|gets the numbers|is working|does the maths|runs} {right|correctly|properly|as it should|"
        "correct|fine|without errors|well}", "{check|test|verify|validate|examine|diagnose|prove} {my|the|this|a} "
        "{<g>|driver|hardware|vulkan driver|gpu driver|graphics driver|kernels|shaders}{ for {errors|faults|bugs|"
        "problems|wrong results|mistakes|defects}|}", "{trust|believe in} {my|the} {<g>|driver|results|numbers|hardware}",
        "{find|look for|search for} {errors|faults|bugs|wrong results|a fault|mistakes|problems} {in|on|of} {my|the} "
        "{<g>|driver|hardware}", "{check|test|verify|prove} {the|that the|} {numbers|results|arithmetic|maths|"
        "computations|calculations}{ are right| are correct| of my <g>|}", "{run|do|start|perform} {a|the|} {self test|"
        "self-test|gpu test|verification|check|correctness test|health check|diagnosis|gpu check|hardware test|"
        "selftest} {of|on|for} {my|the} {<g>|hardware|system|machine}",
        "{run|do} {a|the} {self test|verification|correctness test|gpu test|gpu check|selftest}"],
    get=["a {gpu|hardware|self|correctness|driver|health|card} {test|check}", "{proof|a proof|evidence} that "
         "{my <g>|it|the <g>} {is right|computes right|is correct|works|gives right results}",
         "a {check|test|verification} of {my|the} {<g>|driver|hardware}", "right results from my <g>"],
    ask=["{does|is|can} my <g> {compute|calculate|work|computing|working|give results|broken|faulty|ok|okay|fine|"
         "alright|defective|reliable|correct|be trusted|compute things} {right|correctly|properly|}",
         "{is|are} {the numbers|the results|my results|everything} {right|correct|ok|fine|reliable}",
         "{can|could|do|should} I trust {my|the|this} {<g>|driver|hardware|results|numbers}",
         "I {don't|do not} trust {my|the|this} {<g>|hardware|results|numbers}", "{does|might|could} my {<g>|driver} "
         "{have|has|make} {errors|bugs|faults|mistakes|a bug|a fault|a defect}", "verify", "gpu {test|check}",
         "{how do I|can I} know {my|the} {<g>|driver|results} {is|are} {right|ok|fine|correct|good}",
         "is {something|anything} wrong with my {<g>|driver|hardware}", "what does {tawny verify|verify} do",
         "{I|we} {got|have|installed|updated to} a new {driver|<g>}, is it {ok|fine|right|good}"]),
"verify_m": dict(
    do=["{check|test|verify|prove|make sure|see} {that|if|whether} <m> {is computed|computes|runs|works|is calculated|"
        "is working|gives results} {right|correctly|properly|as it should|without errors|fine}",
        "{verify|validate|check|test} <m>{ layer by layer| on my <g>| on this <g>| for {errors|wrong results|faults}|}",
        "find {the|out which|which} {layer|operation|kernel|dispatch|step|tensor} {that is wrong|is wrong|goes wrong|"
        "fails|is broken|gives wrong results} in <m>", "{find out|see|know|learn|understand} why <m> {prints|writes|"
        "outputs|produces|says|gives|answers} {garbage|gibberish|nonsense|rubbish|wrong text|!!!!|only exclamation "
        "marks|strange characters|random words|bad text|junk}", "{debug|diagnose|fix|repair} {wrong|bad|garbage|"
        "gibberish|nonsense|broken} {output|text|answers|results}{ of <m>| from <m>|}"],
    get=["{a check|a verification|a test|proof of correctness} {of|for} <m>", "{a|the} {reason|cause} {for|of} {the|} "
         "{gibberish|garbage|nonsense|wrong output}{ from <m>|}"],
    ask=["<m> {prints|writes|outputs|produces|says|gives|answers|shows|only prints|just prints|only gives} {garbage|"
         "gibberish|nonsense|rubbish|wrong text|!!!!|!!!!!!!|exclamation marks|strange characters|random words|bad text|"
         "????|junk|weird text|random letters|the wrong thing}", "{why does|why is} {<m>|the {output|text|answer}} "
         "{print|write|give|say|printing|output|so|} {garbage|gibberish|nonsense|rubbish|!!!!|wrong|strange characters|"
         "random words|junk|broken|weird}", "{the|my} {output|text|answer|answers|replies|result} {of <m> |from <m> |}"
         "{is|are|looks|look|looks like|seems|seem|makes|make} {garbage|gibberish|nonsense|rubbish|wrong|broken|no sense|"
         "weird|senseless|garbled|corrupted|corrupt}", "I {get|see|got|only get|only see} {garbage|gibberish|nonsense|"
         "rubbish|!!!!|only exclamation marks|wrong text|random words|junk|strange characters|broken text}{ from <m>| "
         "out of <m>|}", "{which|what} {layer|operation|kernel|tensor|step} {is|goes|went} wrong{ in <m>|}",
         "{is|are} <m> computed {right|correctly|properly}", "does <m> {compute|work|run} {right|correctly|properly} "
         "on my <g>", "it {worked|was fine} before {the|a} driver update{,| and} now {the model|<m>} {prints|writes|"
         "gives|talks} {nonsense|garbage|gibberish}"]),
"thorough": dict(
    do=["{run|do|perform|start} {a|the|} {thorough|longer|full|complete|deep|deeper|more careful|exhaustive|careful|"
        "extensive|detailed|stricter|more thorough} {check|test|verification|verify|gpu test|gpu check}{ of my <g>|}",
        "{check|test|verify} {my|the} <g> {thoroughly|more carefully|in depth|completely|fully|as {well|carefully|"
        "thoroughly} as possible|with all tests|really carefully|in detail}", "verify {more|} thoroughly"],
    get=["{a|the} {thorough|full|complete|deep|exhaustive|most careful|longest|most thorough|extensive|more careful} "
         "{check|test|verification|gpu test}{ of my <g>|}"],
    ask=["is there a {longer|more thorough|full|deeper|thorough|complete} {test|check|verification}",
         "{verify|check} takes a minute, can it {do more|test more|check more|go deeper|be more thorough}"]),
"bench": dict(
    do=["{measure|test|check|find out|see|know|determine|get|benchmark} {the|} {speed|performance|throughput|tokens per "
        "second|rate|pace} {of|with|for} <m>", "{benchmark|time|clock|speed test} <m>",
        "{find out|see|know|measure|check|test} how {fast|quick|quickly|slow|many tokens {a|per} second} {<m>|it|"
        "tawny|my <g>|my machine} {is|runs|goes|works|does|generates|makes|can go|writes}", "{run|do|start|make} {a|the} "
        "{benchmark|speed test|performance test|speed measurement}{ of <m>| with <m>| on <m>|}",
        "{compare|measure|test} {the speed of <g>s|my <g>s|two models|<g> speed|the performance of my <g>}",
        "{get|see} {speed|performance|benchmark} {numbers|figures|results}{ for <m>| of <m>|}"],
    get=["{a|the} {benchmark|speed test|performance test|speed|throughput|performance|tokens per second} {of|for|with} "
         "<m>", "{speed|performance|benchmark|throughput} {numbers|figures|results|measurements}{ for <m>|}",
         "a {benchmark|speed test|performance test}", "the {speed|performance|throughput} of my <g>"],
    ask=["how {fast|quick|slow} {is|does|will|would|can} {<m>|it|tawny|my <g>|this} {run|be|go|get|}",
         "how many tokens {per|a} second {does <m> {do|make|give|get|reach}|do I get|can I {get|expect}|are possible}"
         "{ with <m>|}", "{what|which} {speed|performance|throughput|rate} {does <m> {have|reach|give|get}|do I get|can I "
         "expect|has <m>}{ on my <g>|}", "is {my <g>|<m>|tawny|it} {fast|slow|quick}{ enough|}",
         "{speed test|benchmark|speed|performance|bench}{ <m>|}", "which of my <g>s is {faster|fastest|quicker}"]),
"tokenize": dict(
    do=["{tokenize|tokenise|split|break|cut|encode} {text|a text|a sentence|my text|a string|some text|words|a prompt|"
        "this text} {with <m>|into tokens|to tokens|into token ids|into ids|into pieces|}",
        "{see|show|get|print|find|find out|know|list|display} {the|} {tokens|token ids|ids|token numbers} {of|for|in} "
        "{a text|text|a sentence|a string|my text|my prompt|a word|a prompt|some words}{ with <m>|}",
        "{count|see|know|find out|get|check} {the number of|how many} tokens{ in a text| in a sentence| a text has| my "
        "text has| of my prompt| a sentence has| a prompt has| there are in a text|}{ with <m>|}",
        "{see|show|know|check|find out} how {<m>|the tokenizer|the tokeniser|it|the tokenizer of <m>} {splits|tokenizes|"
        "tokenises|encodes|cuts|breaks up} {text|a text|words|a sentence|strings|things}",
        "{use|try|run|test|call} the {tokenizer|tokeniser}{ of <m>| in <m>| from <m>|}",
        "{turn|convert|change} {text|words|a sentence|a string} {to|into} {tokens|ids|token ids|numbers}{ with <m>|}"],
    get=["{the|} {tokens|token ids|ids} {of|for} {a text|a sentence|my text|a string|a word|my prompt}{ with <m>|}",
         "the number of tokens{ in a text| in my prompt| in a sentence|}", "token {ids|count|counts|numbers}"
         "{ for a text| with <m>|}", "the {tokenizer|tokenizer output}{ of <m>|}", "tokenization{ with <m>|}"],
    ask=["how many tokens {is|does|has|are in|are there in|will} {a text|this text|a sentence|my prompt|this sentence|"
         "a string|a word}{ have| with <m>| be| use|}", "how {does|is|are} {<m>|the tokenizer|text|words} "
         "{split|tokenize|tokenized|tokenised|encoded|cut up|split up} {text|words|}", "{which|what} {tokens|ids|token ids} "
         "{does <m> make of|are in|belong to|does it make from} {a text|a word|a sentence|my text|a string}",
         "tokenize{ with <m>|}", "{what|which} {are|is} the {ids|id|tokens|token ids} {for|of} {a|this|my} "
         "{word|sentence|text|phrase}"]),
"decode": dict(
    do=["{detokenize|detokenise|decode} {ids|tokens|token ids|numbers|a list of ids|}{ with <m>| to text| into text|}",
        "{turn|convert|change|translate|bring|transform|map} {tokens|ids|token ids|token numbers|a list of ids|numbers} "
        "{back |}{to|into} {text|words|a text|a string|characters|a sentence}{ with <m>|}",
        "{get|see|read|find|show|print} the {text|words|string|sentence} {of|for|behind|from} {ids|tokens|token ids|"
        "token numbers|a list of ids}{ with <m>|}"],
    get=["{the text|words|the words|text} {for|from|of|behind} {ids|token ids|some ids|tokens|token numbers}{ with <m>|}",
         "{detokenization|decoding of ids|the reverse of tokenize}{ with <m>|}"],
    ask=["{which|what} {text|word|words|string} {is|belongs to|are|do|does} {these ids|token 42|id 17|the ids|those "
         "tokens}{ mean| stand for|}", "I have {ids|token ids|tokens|a list of ids|token numbers} and {want|need} {the |}"
         "{text|words}", "can {it|tawny} {decode|detokenize} {ids|tokens}", "from ids {back |}to text",
         "what do {these|the} {ids|token ids|tokens} {mean|say|stand for}", "detokenize{ with <m>|}"]),
"special": dict(
    do=["{see|parse|read|show|treat|recognise|recognize|handle|tokenize|tokenise|encode} {special tokens|<z>|"
        "control tokens|special markers|chat markers|<z> as one token|special tokens as tokens}",
        "tokenize {with|including} {special tokens|control tokens}", "{turn on|enable|allow} special tokens{ in the "
        "tokenizer|}", "{have|get} {special tokens|markers like <z>} {parsed|recognised|read as one token}"],
    get=["special tokens{ in tokenize| from the tokenizer|}", "<z> as {a|one} {single |}{token|id}"],
    ask=["{does|can} {it|tokenize|the tokenizer} {know|parse|handle|read|understand|recognise} {special tokens|"
         "control tokens|<z>|<z>|chat markers}{ as one token|}",
         "<z> is split into {pieces|many tokens|several tokens}", "what about special tokens"]),
"perplexity": dict(
    do=["{compute|calculate|measure|get|see|find|check|determine|work out|evaluate} {the|a|} {perplexity|ppl}"
        "{ of <m>| with <m>|}{ on <t>| over <t>| for <t>| with <t>|}", "{evaluate|test|score|rate|judge|grade} {<m>|"
        "the quality of <m>} {on|with|over|against} <t>", "{see|know|find out|check|measure} how {well|good} <m> {predicts|"
        "models|knows|fits|is at predicting} {the text |}<t>", "{measure|check|judge|compare|test} {the|model} {quality|"
        "accuracy} {of <m>|of a quantised model|of a quantized model|of two models|loss from quantisation|after "
        "quantising}"],
    get=["{the|a|} {perplexity|ppl}{ of <m>| for <m>|}{ on <t>| over <t>|}", "a {perplexity|quality|ppl} "
         "{measurement|score|figure|number|test}{ of <m>|}{ on <t>|}"],
    ask=["{what|how high|how low|how good} is the {perplexity|ppl}{ of <m>|}{ on <t>|}", "how {well|good} {does|can} <m> "
         "{predict|model} <t>", "{perplexity|ppl}{ of <m>|}{ on <t>|}", "how {good|accurate} is {my quantised model|"
         "my quantized model|a quantised model}", "{does|did} quantisation {hurt|harm|damage} {the model|<m>}",
         "{is|how much is} {the model|<m>} worse after {quantisation|quantization|quantising}"]),
"logits": dict(
    do=["{get|save|write|dump|export|extract|store|output|print} {the|raw|all|} logits{ of <m>| from <m>|}{ to a "
        "{file|npy file|numpy array}| as numpy|}", "{compare|check} logits{ of <m>| with another program|}"],
    get=["{the|raw|all|} logits{ of <m>| from <m>|}{ as numpy| in a file| as an npy file|}"],
    ask=["can {it|tawny} {write|give|save|output|export|print|dump} {the |}logits", "where do I get {the |}logits",
         "logits{ of <m>|}", "how do I see the {raw |}scores {of|for} {each|every} token"]),
"temp": dict(
    do=["{set|change|adjust|choose|use|pick|control|give|lower|raise|turn} {a|the|} {temperature|temp|sampling temperature}"
        "{ to <n>| of <n>| <n>|}{ for <m>| with <m>|}", "{run|start|use|sample|sample from} <m> {with|at} {a |}"
        "{temperature|temp} {of |}<n>", "{generate|sample|write} {text |}{with|at} {a |}{temperature|temp} {of |}<n>"
        "{ with <m>| from <m>|}", "{turn|put|bring|set} the {temperature|temp} {up|down|} to <n>{ for <m>|}"],
    get=["{a|the} {temperature|temp} {of|at} <n>{ for <m>|}", "temperature <n>{ for <m>|}", "<m> at {temperature|temp} <n>",
         "the temperature {option|flag|setting}"],
    ask=["{what|which} {flag|option} {sets|changes|is for} the temperature", "where {is|do I set|can I {set|change}} the "
         "temperature", "{temperature|temp}{ <n>|}{ for <m>|}", "can I {change|set} the {temperature|temp}{ to <n>|}"]),
"creative": dict(
    do=["{make|get} {it|<m>|the {model|text|answers|output|replies}} {more|less boring and more} {creative|varied|random|"
        "imaginative|surprising|lively|diverse|wild|playful|interesting}", "{have|get|see} more {creativity|variety|"
        "randomness|imagination|surprise|diversity}", "{increase|raise} the {creativity|randomness|variety}"],
    get=["more {creative|varied|random|surprising|imaginative|diverse|lively|interesting} {text|answers|output|replies}",
         "more {creativity|variety|randomness|imagination}"],
    ask=["{the {text|answers|output}|it} is {too|so} {boring|dull|predictable|dry|monotonous|uniform}",
         "{its|the} {answers|replies|texts} are {too|so|very} {boring|dull|predictable|dry|alike|uniform}",
         "can it be more {creative|random|varied|imaginative|lively}"]),
"calm": dict(
    do=["{make|get} {it|<m>|the {model|text|answers|output|replies}} {less|not so} {random|creative|wild|crazy|chaotic|varied|"
        "erratic}", "{make|get} {it|<m>|the {model|text|answers|output}} more {focused|sober|precise|predictable|serious|"
        "conservative|stable|careful|factual}", "{reduce|lower|decrease} the {randomness|creativity|chaos}"],
    get=["{less random|less wild|more focused|more predictable|more sober|more precise|more conservative|calmer} {text|"
         "answers|output|replies}", "less {randomness|creativity|chaos}"],
    ask=["{it|the text|the output|the model} is {too|so|very} {random|wild|crazy|creative|chaotic|erratic}",
         "{its|the} {answers|replies|texts} are {too|so|very} {random|wild|crazy|creative|chaotic|erratic|mad}",
         "can it be {less {random|wild|creative|crazy}|more {focused|precise|predictable|sober|serious}}"]),
"greedy": dict(
    do=["{use|do|turn on|have|get|select} greedy {decoding|sampling|search|mode|generation}{ with <m>|}",
        "{turn off|switch off|disable|remove|avoid} {all |the |}{randomness|sampling|random sampling|chance}{ with <m>|}",
        "{always|only} {take|pick|choose|use} the {most likely|best|most probable|likeliest|top|first} {token|word|one}"
        "{ with <m>|}", "{make|have} {it|<m>|the output} {deterministic|fully deterministic|not random}",
        "run <m> {greedily|without {randomness|sampling|any chance}|deterministically}"],
    get=["greedy {decoding|sampling|output|mode|search}{ with <m>|}", "deterministic {output|text|answers|decoding}"
         "{ from <m>|}", "{no|zero} {randomness|sampling|chance}{ with <m>|}", "the {most likely|likeliest|most probable} "
         "{token|word} {each time|every time|always}"],
    ask=["is there {a greedy mode|greedy decoding|a deterministic mode}", "can I {turn|switch} off {sampling|randomness}",
         "I {don't want|want no|do not want} {any |}{randomness|sampling|random choices|chance}{ with <m>|}",
         "greedy{ decoding|}"]),
"top_k": dict(
    do=["{set|use|change|choose|try} {a |the |}top-k{ to <n>| of <n>| <n>|}{ for <m>| with <m>|}",
        "{set|use|change} {a |the |}top k{ to <n>| of <n>| <n>|}{ with <m>|}",
        "{sample|choose|pick|draw} {from|among} {only |}the {best|top|most likely|likeliest|first|most probable} <n> "
        "{tokens|words|candidates}{ with <m>|}", "{keep|consider|limit it to|allow|restrict sampling to|sample} {only |just |}"
        "the {best|top|most likely|likeliest|most probable|first} <n> {tokens|words|candidates}{ with <m>|}"],
    get=["{a |the |}top-k{ of <n>| <n>|}{ for <m>|}", "{a |the |}top k{ of <n>| <n>|}", "top-k sampling{ with <m>|}"],
    ask=["{what|which} {flag|option} {sets|is} top{-| }k", "top{-| }k{ <n>|}", "can I {set|use|limit} top{-| }k"]),
"top_p": dict(
    do=["{set|use|change|choose|try} {a |the |}top-p{ to <n>| of <n>| <n>|}{ for <m>| with <m>|}",
        "{set|use|change} {a |the |}top p{ to <n>| of <n>| <n>|}{ with <m>|}", "{use|do|turn on|try} nucleus sampling"
        "{ with <n>| of <n>|}{ with <m>| on <m>|}", "{keep|sample|sample from|use} the {tokens|words} {up to a|within a|"
        "that make up a} {probability|probability mass|cumulative probability} of <n>",
        "{change|set} the nucleus{ to <n>|}"],
    get=["{a |the |}top-p{ of <n>| <n>|}{ for <m>|}", "{a |the |}top p{ of <n>| <n>|}", "nucleus sampling{ of <n>|}{ with <m>|}"],
    ask=["{what|which} {flag|option} {sets|is} {top-p|top p|nucleus sampling|the nucleus}", "top{-| }p{ <n>|}",
         "{does|can} {it|tawny} do nucleus sampling"]),
"min_p": dict(
    do=["{set|use|change|choose|try|put|give} {a |the |}min-p{ to <n>| of <n>| <n>|}{ for <m>| with <m>|}",
        "{set|use|change|try} {a |the |}min p{ to <n>| of <n>| <n>|}{ with <m>|}", "{drop|remove|cut|ignore|discard} {unlikely|"
        "improbable|rare} {tokens|words}{ below <n>| under <n>|}", "set {a|the} minimum probability{ of <n>| to <n>|}"],
    get=["{a |the |}min-p{ of <n>| <n>|}{ for <m>|}", "{a |the |}min p{ of <n>| <n>|}", "a minimum probability{ of <n>|}"],
    ask=["{what|which} {flag|option} {sets|is} min{-| }p", "min{-| }p{ <n>|}", "{does|can} {it|tawny} {do|support|have} min{-| }p"]),
"seed": dict(
    do=["{set|use|fix|choose|change|give|pick|specify|put|take} {a|the|my|} {seed|random seed}{ to <n>| <n>| at <n>| of <n>|}"
        "{ for <m>| with <m>|}", "{run|start|sample|use} <m> with {a |the |}{seed|random seed} {of |}<n>",
        "{use|take} <n> as {the|a|my} {seed|random seed}{ for <m>|}", "{get|have|make} {the same|identical|equal|repeatable|"
        "reproducible} {text|output|answer|answers|results|result}{ every time| each time| again| twice| on each run| "
        "always| from <m>|}", "{reproduce|repeat} {a|an|the|my} {run|output|answer|result|text}{ of <m>|}",
        "{make|keep} {it|<m>|the output|a run|runs|results} {reproducible|repeatable|the same each time|the same every time}"],
    get=["{a|the} {fixed |random |}seed{ of <n>|}{ for <m>|}", "seed <n>{ for <m>|}", "{reproducible|repeatable|identical} "
         "{text|output|answers|results|runs}{ from <m>|}", "the same {text|output|answer|result} {every time|each time|again|"
         "twice|on every run}"],
    ask=["{why is|how is} the {text|output|answer} different {each time|every time|on every run}",
         "{what|which} {flag|option} {sets|is} the seed", "seed{ <n>|}", "can I {set|fix|choose} the {seed|random seed}{ to <n>|}",
         "{it|<m>} {gives|writes|answers|says|prints} something {different|else|new} {each time|every time|on each run}, "
         "{I want the same|make it the same|how do I stop that|can it be the same}",
         "can {I|it} {get|give} the same {answer|output|text} {again|twice|every time}"]),
"context": dict(
    do=["{set|change|choose|use|give|increase|raise|enlarge|extend|make|reduce|pick} {a|the|} {context|context size|context "
        "length|context window|window}{ to <n>| of <n>| <n>| to <n> tokens| of <n> tokens|}{ for <m>| with <m>|}",
        "{run|start|load|use|open} <m> with {a |}{context|context of|context size|context window|context length} {of |}<n>"
        "{ tokens|}", "{get|have|use|allow|fit|make room for} {a |}{longer|larger|bigger|more|huge|wider} {context|context "
        "window|conversations|prompts|texts|chat history}{ with <m>|}", "{make|let} {it|<m>|the model} {remember|keep|know|hold|"
        "see} {more|longer|more text|more of the {chat|conversation|text}}", "give {it|<m>} {<n> tokens of context|more context|"
        "a context of <n>|more memory of the chat}", "{fit|use|send|give it} a {long|longer|very long|huge} {prompt|text|"
        "document}{ in the context|}"],
    get=["{a |the |}{context|context size|context window|context length} of <n>{ tokens|}{ for <m>|}", "{a |}{longer|larger|"
         "bigger|more} {context|context window}{ for <m>|}", "<n> tokens of context{ for <m>|}",
         "the context {size|length} {option|flag}"],
    ask=["{it|<m>|the model} forgets {what I said|the start|the beginning|things|everything|earlier messages|our talk}",
         "{what|which} {flag|option} {sets|is} the context{ size| length|}", "context{ size| length| window|}{ <n>|}",
         "the {prompt|text|document|input} is too long{ for the context|}", "{the|my} context is {full|too small|too short|used "
         "up}", "{how long|how big} can the context be", "it {says|complains that} the {context is full|prompt is too long|"
         "prompt does not fit|context is too small}"]),
"length": dict(
    do=["{generate|write|output|produce|make|get|print} {only|at most|up to|just|exactly|no more than|a maximum of} <n> "
        "{tokens|words|new tokens}{ with <m>| from <m>|}", "{limit|restrict|cap|cut} {the |its |}{length|output|answer|answers|reply|"
        "text|generation|response}{ to <n> tokens| to <n>| at <n> tokens| of <m>|}", "{set|change|choose} {the |a |}{length|"
        "maximum length|number of tokens|token limit|answer length|output length|limit}{ to <n>| of <n> tokens|}{ for <m>|}",
        "{stop|end|finish} {it |<m> |generation |}after <n> {tokens|words}", "{run|start} <m> for <n> tokens",
        "{let|make|have} {it|<m>} {write|generate|say|produce} {only|at most|just|up to|no more than} <n> {tokens|words}"],
    get=["{at most|only|up to|just|no more than|a maximum of} <n> tokens{ from <m>| of output| out of <m>|}",
         "a {token limit|limit|maximum}{ of <n>| of <n> tokens|}{ for <m>|}", "<n> tokens{ of text|}{ from <m>|}"],
    ask=["{what|which} {flag|option} {sets|limits|is} the {length|number of tokens|output length}",
         "how many tokens {does it write|will it write|does it generate}", "can I limit {the|its} {length|output|answer}"]),
"shorter": dict(
    do=["{make|get|have|keep} {the|its|} {answers|replies|output|texts|responses} {short|shorter|brief|briefer}",
        "{make|keep} {it|<m>} {brief|short|to write less}", "{get|have} {less|shorter} {text|output}"],
    get=["{shorter|short|brief|briefer} {answers|replies|output|responses|text}", "less text"],
    ask=["{the|its} {answers|replies|texts|responses} are {too|so|far too} long", "it {writes|talks|says} too much",
         "the {output|text|answer} is {too|so} long", "can it be {shorter|briefer|short}"]),
"longer": dict(
    do=["{make|get|have} {the|its|} {answers|replies|output|texts|responses} {longer|as long as possible}",
        "{let|make} {it|<m>} {write|say|generate|talk} {more|longer|a longer text}", "{get|have} {more|longer} {text|output}"],
    get=["{longer|long} {answers|replies|output|responses|text}", "more text"],
    ask=["{the|its|my} {answer|answers|replies|text|output|response} {stops|is|are|ends|gets|get} {too short|too early|too soon|"
         "cut off|cut short|in the middle}", "it {stops|ends|quits} {too early|too soon|in mid sentence|in the middle of a "
         "sentence|early}", "can it {write|be|say} {longer|more}"]),
"repeat": dict(
    do=["{stop|keep|prevent|avoid} {it|<m>|the model} {from|} {repeating|looping|repeating itself|saying the same thing}",
        "{avoid|prevent|reduce|stop|punish|penalise|penalize} {repetition|repetitions|loops|repeated words|repeats}",
        "{set|use|change|choose|give} {a|the} {repeat penalty|repetition penalty|penalty for repetition|repeat-penalty}"
        "{ to <n>| of <n>|}{ for <m>|}", "{make|have} {it|<m>} repeat {less|itself less}"],
    get=["{a|the} {repeat|repetition} penalty{ of <n>|}{ for <m>|}", "less repetition", "no {loops|repetition|repeats}"],
    ask=["{it|<m>|the model} {repeats|keeps repeating|is repeating|always repeats} {itself|the same {word|sentence|line|phrase|"
         "text}|everything|words}", "{it|<m>|the model} {loops|is stuck in a loop|is stuck|goes in circles|is looping|hangs in a "
         "loop}", "{it|<m>} {says|writes|prints} the same {word|sentence|thing|line|phrase} {again and again|all the time|many "
         "times|forever|endlessly}", "why does {it|<m>|the model} {repeat itself|loop|repeat the same thing}",
         "{repeat|repetition}{ |-}penalty{ <n>|}", "too {much|many} {repetition|repetitions}"]),
"stop": dict(
    do=["{stop|end|finish|cut|halt|break} {generation|the output|the text|the answer|writing|it} {at|when it {writes|says|prints|"
        "reaches|comes to|meets|outputs}|on|before|as soon as it {writes|says|prints}} {the word |the text |the string |} <p>",
        "{set|use|add|give|define} {a|the|} stop {string|word|sequence|text|marker} {to|of|as|} <p>", "{use|take|make} <p> "
        "{as|the|as the|as a} stop {string|word|sequence|marker}", "{make|let|have} {it|the model|<m>} {stop|end|halt} {at|on|when "
        "it {says|writes|prints|reaches}} <p>"],
    get=["a stop {string|word|sequence|marker} <p>", "<p> as {a|the} stop {string|word|sequence}",
         "{the output|generation} to {stop|end} at <p>"],
    ask=["{it|generation|the output|<m>} {should|must|has to|shall|needs to} {stop|end|finish} {at|when it {says|writes|prints}|"
         "on|before} {the word |} <p>", "can it {stop|end|halt} {at|on|when it {says|writes}} <p>",
         "stop {at|on|string|word} <p>"]),
"stop_any": dict(
    do=["{set|use|add|give|define} {a|the} stop {string|word|sequence|marker|phrase}", "{stop|end} {generation|the output|"
        "it} at a {certain|given|special} {word|string|text|phrase}", "use stop {strings|words|sequences}"],
    get=["{a|} stop {string|word|sequence|words|strings|sequences}", "the stop {option|flag}"],
    ask=["{does|can} {it|tawny} {have|support|use} stop {words|strings|sequences}",
         "{what|which} {flag|option} {sets|is for|takes} a stop {string|word}"]),
"json": dict(
    do=["{get|have|print|write|show|output} {the |its |}{output|answer|result|results|text|reply} {as|in} json{ from <m>|}",
        "{parse|read|process|use} {the |its |}{output|answer|result|results} {in|with|from} {a|my} {script|program|python script}",
        "{use|call|drive} {it|tawny} {from|in} a {script|shell script|program}", "{turn on|use|enable|switch on} json{ output| "
        "mode|}"],
    get=["json{ output| format|}{ from <m>|}", "{machine readable|machine-readable|structured|parseable|parsable} {output|"
         "results|text}{ from <m>|}", "{the|an} {answer|output|result} {as|in} json{ from <m>|}"],
    ask=["{can|does} {it|tawny|<m>} {print|write|output|give|speak|do|support} json{ output|}", "is there {json|machine readable|"
         "structured} output", "json", "{what|which} {flag|option} {gives|prints|makes|is for} json",
         "my {script|program} {needs|wants} {json|to read the output|to parse the answer}"]),
"json_devices": dict(
    do=["{list|show|print|get} {the|my|all|} <g>s {as|in} json"],
    get=["{the|my|a list of} <g>s {as|in} json", "json with {the|my|all} <g>s"],
    ask=["can {it|tawny} {list|print} {the |}<g>s as json", "<g> list as json"]),
"stats": dict(
    do=["{see|show|print|get|display|have|view|report} {the|some|} {statistics|stats|timings|timing|tokens per second|run "
        "statistics|numbers|memory use|memory usage|details about speed} {after|with|of|for|during} {a run|the answer|"
        "each answer|running|generation|the output|every answer}{ with <m>|}", "{see|show|print|get|turn on|enable} {the |}"
        "{statistics|stats|timings}{ of <m>| with <m>|}", "{see|know|show} how {long|much memory|many dispatches|many tokens per "
        "second} {it took|an answer took|a run used|it used|the answer needed|the run took}"],
    get=["{statistics|stats|timings|timing information|run statistics}{ for <m>| of a run| with the answer|}", "the tokens per "
         "second {after|of} {a run|an answer|each answer}", "the memory {used|use|usage} {by|of} {a run|purpose|the answer}"],
    ask=["{how much memory|how long} did {it|the run|the answer|<m>} {use|take|need}", "{what|which} {flag|option} {shows|prints|"
         "gives} {statistics|stats|timings}", "stats", "statistics", "how many {dispatches|submits|bytes} {does it need|are there|"
         "go} {per|a|for each} token"]),
"interrupt": dict(
    do=["{stop|interrupt|abort|cancel|break off|halt|end} {it|the answer|the output|the model|a running answer|generation|the "
        "text|the reply|tawny}{ while it is {writing|running|talking}| in the middle| early|}", "{leave|quit|exit|close|end|get out "
        "of|stop} {the chat|tawny|the conversation|the program|a chat|the session|it|chat mode}"],
    get=["out of {the chat|here|tawny|the program}", "{a|the} {key|shortcut|way} to {stop|interrupt|quit|abort}{ it|}"],
    ask=["{it|<m>|the model} {does not|doesn't|won't|will not|never} {stop|end|finish}{ writing| talking|}", "{which|what} {key|"
         "keys|shortcut} {stops|interrupts|quits|ends|cancels|aborts} {it|the answer|the chat|tawny|the output}", "how do I get out",
         "it {keeps|goes on} {writing|talking|going|running}{ forever| and on|}, {stop it|how do I stop it|make it stop}",
         "{stop|quit|exit|cancel|abort|enough}", "{be quiet|shut up|stop talking|stop it|stop writing}",
         "what does ctrl{-|+| }c do"]),
"code": dict(
    do=["{understand|know|find out|see|learn} what {exit code|exit status|return code|status|code|error code} <c> {means|is|says|"
        "stands for}", "{understand|interpret|read} {exit code|exit status|return code|status|code} <c>"],
    get=["the meaning of {exit code|exit status|return code|code|status} <c>", "{exit code|exit status|return code|status|error "
         "code} <c>"],
    ask=["{what|what does|what is|why} {exit code|exit status|return code|status|error code|code} <c>{ mean| mean here| from tawny| "
         "stand for|}", "tawny {exited|exits|ended|ends|returned|returns|quit|quits|finished|stopped|failed|fails|came back|gave "
         "back|died|stops} with {code|status|exit code|exit status|return code|error code|} <c>{, what is wrong|, why|, what "
         "happened| and now|, what does that mean|}", "I {get|got|see|have} {exit code|exit status|return code|status|code|error "
         "code} <c>{ from tawny|, what is wrong|, why|}", "{it|the program|the command|my script} {exited|ended|returned|exits|"
         "returns|failed|quits|gave|gives|got|stopped|came back} {with |}{code|status|exit code|return code|} <c>{, why|, what is "
         "it|, what happened|}", "why {does|did} {it|tawny} {exit|end|return|fail|stop} with {code |status |exit code |} <c>",
         "{the|its} {exit code|exit status|return code|status|code} {is|was} <c>", "{code|exit|status|exit code} <c>",
         "{is|what about} {code|exit code|status} <c>{ good| bad| an error| from tawny|}"]),
"codes": dict(
    do=["{see|list|show|know|learn|find|get|read} {all |the |all the |}{exit codes|exit statuses|return codes|status codes|error "
        "codes}{ of tawny| it can give| and their meaning|}", "{know|understand|see} what {the |}{exit codes|return codes|error "
        "codes|status codes} mean"],
    get=["{a list of |all |the |a table of |}{the |}{exit codes|return codes|status codes|exit statuses|error codes}",
         "the meaning of {the|all} {exit codes|return codes|error codes|status codes}"],
    ask=["{what|which} {exit codes|return codes|status codes|error codes} {are there|exist|does {it|tawny} {use|have|return|give}}",
         "what do {the|tawny's|} {exit codes|return codes|error codes|status codes} mean", "{exit|return|error|status} codes",
         "which {exit code|return code|number} means what"]),
"status": dict(
    do=["{read|see|check|get|show|print|look at|find|know} {the|its|an|} {exit code|exit status|return code|return value|status of "
        "the last command}{ of tawny|}", "{know|check|see|find out|tell|test} {if|whether} {tawny|it|a run|the command|a "
        "transcription|the last command} {succeeded|failed|worked|went well|was successful|went wrong}{ in a script|}",
        "{handle|catch|react to|check for} {errors|failures|an error} in {a|my} {script|shell script|bash script}"],
    get=["the {exit code|exit status|return code|return value} {of|from} {tawny|the last run|the last command|a run}"],
    ask=["{where|how} {do|can} I {see|read|find|get} the {exit code|exit status|return code}", "how does a {script|program} {see|"
         "know|find out} {that|if|whether} {it|tawny} {failed|worked|went wrong|succeeded}", "did it {work|fail|succeed}"]),
"oom": dict(
    do=["{fix|avoid|solve|handle|get around} {an |the |}{out of memory|out-of-memory|oom|memory} {error|problem|message|failure|}",
        "{use|need|take} less {memory|vram|gpu memory|video memory}{ with <m>|}", "{reduce|lower|save|shrink} {the |}{memory|vram|"
        "gpu memory} {use|usage|}"],
    get=["{less|lower} {memory|vram} {use|usage|need}"],
    ask=["{it|tawny|<m>|the gpu|my card} {says|reports|prints|runs|ran|is|fails with} {out of memory|out of vram|out of gpu memory|"
         "oom}", "{the model|<m>} {does not|doesn't|won't} fit {in|into|on} {my|the} {gpu|vram|memory|card}",
         "{not enough|too little|no more|insufficient} {memory|vram|gpu memory|video memory}", "my {gpu|card} {has|is} {too little "
         "memory|too small|not enough memory|full}", "I {get|got|have} an {out of memory|oom|out-of-memory} error{ with <m>|}"]),
"lost": dict(
    do=["{fix|handle|solve|understand} {a |the |}{device lost|lost device|gpu hang|gpu crash|gpu reset}{ error|}"],
    get=["help with {a |}{device lost|lost device|gpu hang|gpu crash|gpu reset}"],
    ask=["{the|my} {device|gpu|card|graphics card} {was|is|got} {lost|reset|hung|gone}{ while running| during a run|}",
         "{the|my} {gpu|card|driver} {crashed|hangs|hung|crashes|froze|freezes|resets|reset}{ while running| with <m>|}",
         "it {says|reports|prints} {device lost|VK_ERROR_DEVICE_LOST|that the device was lost|the gpu was lost}",
         "I {get|got|see} {a |}device lost{ error|}", "device lost", "VK_ERROR_DEVICE_LOST"]),
"nodevice": dict(
    do=["{fix|solve} {no device|no gpu|a missing gpu|no device found|no gpu found}"],
    get=["help, no {device|gpu|card} {found|is found|detected}"],
    ask=["{it|tawny} {says|reports|prints} {no device|no gpu|there is no device|no gpu found|no device found|no vulkan device}",
         "{tawny|it} {does not|doesn't|can't|cannot} {find|see|detect} {my|a|the|any} {gpu|card|graphics card|device|radeon|nvidia}",
         "no {device|gpu|vulkan device|graphics card} {found|detected|was found|available}", "my {gpu|card|graphics card|radeon} is "
         "{missing|not found|not there|not listed|not detected|not recognised}", "why {is my gpu not|does it not|doesn't it} {found|"
         "find my gpu|see my gpu|find my card}"]),
"badmodel": dict(
    ask=["{it|tawny} {says|reports|prints} {the model is bad|bad model|the file is broken|model not found|cannot load model}"
         "{ for <m>|}", "{tawny|it} {can't|cannot|won't|does not|doesn't|refuses to} {load|open|read} <m>",
         "<m> {does not|doesn't|won't|will not|cannot} {load|open|start}", "{loading|opening} <m> fails",
         "is <m> {broken|damaged|corrupt|corrupted|truncated|ok|valid}", "<m> {is|seems|looks} {broken|damaged|corrupt|corrupted|"
         "truncated|invalid}"], do=["{check|see} {if|whether} <m> is {broken|damaged|corrupt|valid|truncated|a valid file|ok}",
         "fix a {broken|damaged|bad} model file"], get=["help, <m> {does not load|is broken|cannot be opened}"]),
"who": dict(
    ask=["{who|what} are you", "what is your name", "{what's|whats} your name", "are you {a|an} {bot|ai|human|person|robot|model|"
         "machine|language model|computer}", "who am I {talking|speaking|chatting} {to|with}", "{tell me|say something} about "
         "yourself", "introduce yourself", "which model are you", "do you have a name", "who {made|trained|wrote|built} you",
         "are you {real|alive|chatgpt|gpt|llama|human|smart}", "how {big|old|smart|large} are you", "what kind of {model|bot|ai} "
         "are you", "what do they call you", "what should I call you"]),
"about": dict(
    ask=["what {is|does|can} tawny{ do|}", "{explain|describe|introduce} tawny", "tell me {about|more about|what is} tawny",
         "what {is|'s} {this|this program|this tool|this thing|the program|the tool} {for|about|good for|called|}",
         "what is tawny {for|about|good for|made for}", "what {does|can} this {program|tool|thing|software} do",
         "why {should I|would I|would one} use tawny", "{who is|what's} tawny", "what is the {point|purpose|aim} of tawny",
         "I {have never heard of|don't know|am new to} tawny", "what {makes|sets} tawny {special|different|apart}",
         "{tawny|about tawny}", "give me a short {description|summary|introduction} of tawny"]),
"formats": dict(
    ask=["{what|which} {models|files|model files|file formats|formats|architectures|model formats|model types|quantisations|types|"
         "model families|llms|language models|kinds of models|networks} {does {it|tawny} {run|support|read|load|know|take|accept|"
         "understand|handle}|can {it|tawny|I} {run|load|read|use|open|take}|are {supported|possible|ok}|work|will work}",
         "{does|can|will} {it|tawny} {run|support|read|load|open} {llama|qwen|gguf|mistral|smollm|gguf files|q4_k_m|q8_0|quantised "
         "models|llama 3|qwen2|llama models|qwen models}{ files| models|}", "is {gguf|q4_k_m|q8_0|llama|qwen} supported",
         "what {model|kind of model|file} do I need", "where do I {get|find} {a model|models}"],
    get=["{a list of |the |}supported {models|formats|architectures|files|model types|quantisations}"]),
"help": dict(
    ask=["{what|which} {can I ask|questions can I ask|can you do|do you know|can you help with|are you good at|things do you know|"
         "topics do you know|can you tell me|can you explain|can you answer}{ you| me| here|}", "{help|help me|please help|help "
         "please|i need help|can you help|can you help me|could you help me|I am lost|I'm lost|what now|what next|now what|I'm "
         "stuck|i am stuck}", "how {can|do} you help{ me|}", "how does this work", "what are my options", "what can be done here",
         "where do I {start|begin}", "how do I {start|begin|use this|use tawny|get started}", "I am new here", "?"]),
"hello": dict(
    ask=["{hi|hello|hey|hiya|howdy|greetings|good day|good evening|good afternoon|yo|salut|moin|hallo|welcome}{ there| you| tawny| "
         "guide| all| friend| again| bot|}{!|.|}", "{hi|hello|hey},? {how are you|how's it going|how is it going|nice to meet you|"
         "what's up}", "how are you{ today| doing| feeling|}", "{nice|pleased|good|glad} to meet you", "what's up", "good "
         "{morning|evening|day|afternoon|night}{ to you| tawny| everyone|}"]),
"thanks": dict(
    ask=["{thanks|thank you|thx|ty|cheers|many thanks|thanks a lot|thank you very much|thank you so much|merci|danke|gracias|much "
         "appreciated|i appreciate it}{!|.|}{ for your help| for that| for the help| tawny| friend| a bunch|}", "{great|perfect|nice|"
         "cool|ok|okay|good|super|wonderful|awesome|excellent|fine|lovely|brilliant}{, thanks|, thank you| thanks| job| answer| work|"
         "!|}", "that {helped|worked|was helpful|was great|was useful|is helpful|did it|is great|works}{, thanks|, thank you| a lot|}",
         "{you|you really|that} {helped|have helped} me{ a lot|}", "well done", "you are {great|helpful|nice|good|the best|kind}"]),
"bye": dict(
    ask=["{bye|goodbye|good bye|bye bye|see you|see ya|cya|farewell|so long|ciao|later|take care|until next time|see you soon|see you "
         "tomorrow|have a nice day|have a good one|talk to you later|i have to go|i am leaving|gotta go|good night|i'm off}"
         "{ tawny| then| now| friend|}{!|.|}"]),
"c_api": dict(
    do=["{use|call|embed|include|link|integrate|run} {tawny|it|the library|a model} {in|from|into|as} {c|a c program|my c program|c "
        "code|my own program|my c code|a library|c++|my application}", "{link|compile|build} {against|with} {the |}{tawny|library|"
        "libtawny|c library}", "write a {c program|program in c} that uses tawny"],
    get=["{a|the} {c api|c library|library|c interface|header|c header|header file|programming interface}"],
    ask=["is there {a|an} {c api|library|c library|c interface|header|c header}", "{does|has} {it|tawny} {have|got|offer|come with} a "
         "{library|c api|c library|c interface}", "can I {use|call|embed|link} {it|tawny} {from|in} {c|my program|c code|my own code|"
         "my c program}", "which header do I {need|include}", "pkg-config"]),
"options": dict(
    do=["{see|show|list|get|find|read|know|look up} {all |the |all the |}{options|flags|commands|verbs|arguments|switches|help|"
        "manual|documentation|docs|usage|help text|help page|parameters}{ of tawny| it has| there are|}",
        "{get|see} {a |the |}list of {commands|options|flags|verbs}"],
    get=["{a list of |all |the |all the |}{options|flags|commands|verbs|arguments|manual|documentation|help text|man page|help page|"
         "command line options}"],
    ask=["{what|which} {options|flags|commands|verbs|arguments|switches|settings} {are there|exist|does {it|tawny} have|can I use|"
         "are available|does tawny know}", "is there {a manual|documentation|a man page|a help page|help|a handbook}",
         "where {is|are|can I find} the {manual|documentation|docs|options|man page|help|instructions|handbook}", "{usage|options|flags|"
         "manual|documentation}"]),
"version": dict(
    do=["{see|show|check|print|find out|get|know|look up} {the|my|which|what} version{ of tawny| I have| of the program| is "
        "installed| this is| i am running|}"],
    get=["the version{ number|}{ of tawny|}"],
    ask=["{what|which} version {is this|do I have|of tawny is this|am I running|is installed|of tawny do I have|is it|are you}",
         "version", "is {my tawny|this} {up to date|the newest version|the latest}", "how {new|old} is my tawny"]),
"demo": dict(
    do=["{run|start|try|see|build|show|launch} {the|a|} {demo|demonstration|example}", "{try|test|see} {tawny|it} {quickly|out|for the "
        "first time|with one command}", "{build|compile|install} tawny", "{build|compile} {it|the program} from source"],
    get=["{a|the} {demo|demonstration|quick demo|first try}"],
    ask=["is there a {demo|demonstration|quick start|quickstart}", "{demo|demonstration|quick start}",
         "how do I {build|compile|install} {it|tawny|the program|this}"]),
"check": dict(
    do=["{run|start|do|execute} {the|all|all the|} {tests|unit tests|tests of the project|project tests|tests from the "
        "source|regression tests|developer tests}", "run make check", "test {my build|the build|the source|my changes|the code}"],
    get=["{the|all the} tests{ of the project|}", "a test of {my build|the build|my changes}"],
    ask=["how are the tests {run|started}", "is there a {test suite|unit test}", "are there {tests|unit tests}",
         "do the tests pass"]),
}
