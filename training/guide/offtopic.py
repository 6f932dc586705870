"""Questions that have nothing to do with tawny, which the guide declines politely."""

PATTERNS = [
    "what {is|was|are} {the|a|} {<place_thing>|<thing>|<topic>}{ of <place>| in <place>|}",
    "what's {the|a} {<place_thing> of <place>|<thing>|<topic>}",
    "what is the {capital|population|currency|flag|language|president|area|highest mountain|longest "
    "river|national dish|largest city|time} {of|in} <place>",
    "what's the {capital|population|currency|weather|time|temperature} {of|in|like in} <place>",
    "who {is|was|were|invented|discovered|wrote|painted|built|founded|won|killed|sang|plays|played|made|"
    "directed|composed} {<person>|the <thing>|<topic>|the <event>|<work>}",
    "when {did|was|is|does|will} {<person>|the <event>|the <thing>|<topic>} {born|die|start|end|happen|"
    "begin|built|founded|over|invented|arrive|open|close|}", "where {is|was|are|can I find|do I buy|does "
    "one find} {<place>|<person>|the <thing>|a <thing>|<topic>|my <thing>}",
    "why {is|are|do|does|did} {the <thing>|<topic>|<person>|<things>|we|people|cats|dogs|birds|leaves} "
    "{blue|red|so big|so small|fly|sleep|sing|fall|rise|important|famous|rich|dream|cry|laugh|yawn|hot|cold}",
    "how {tall|old|far|deep|big|heavy|high|long|rich|expensive|hot|cold|far away|old} {is|was} {<person>|"
    "<place>|the <thing>|a <thing>|the moon|the sun|<topic>|mount everest}",
    "how do {I|you|we} <do>", "how can I <do>", "how to <do>", "{can|could} you <do>{ for me|}",
    "{please |}<do>{ for me|}", "I {want|need|would like} to <do>", "tell me how to <do>",
    "{help me|teach me to|show me how to|explain how to} <do>", "what is the best way to <do>",
    "write {me |}{a|an|some|the} {poem|story|song|haiku|joke|essay|letter|limerick|novel|speech|blog post|"
    "rap|tweet|riddle|email|cover letter|short story|report|fairy tale} {about|on|for} {<topic>|<things>|a "
    "<thing>|<person>|<place>|my <thing>}", "write {a|me a|some} {python|java|c|javascript|rust|go|bash|sql|"
    "html|perl|ruby|haskell} {script|program|function|class|code|query|page|loop} {that|to|which} {sorts "
    "a list|prints hello world|adds two numbers|reads a file|downloads a page|counts words|draws a circle|"
    "parses dates|reverses a string|checks primes|sends mail|finds duplicates}",
    "tell me {a|another|one more|some} {joke|story|riddle|fact|secret|fairy tale|tale|anecdote}{ about <topic>| "
    "about <things>|}", "{sing|make|tell|give|draw|paint|compose} me {a|some|an} {song|picture|joke|tune|coffee|"
    "sandwich|riddle|cake|quiz|melody|portrait}{ of a <thing>| about <topic>|}", "what is <sum>", "how much is "
    "<sum>", "calculate <sum>", "<sum>", "solve <sum>", "{compute|work out|add up} <sum>", "what does <sum> "
    "{give|make|equal}", "{what|how} is the weather{ today| tomorrow| in <place>| like| like today|}",
    "{will|does|is} it {rain|snow|be sunny|raining|snowing|going to rain|going to snow|be cold|be warm|hot|cold} "
    "{today|tomorrow|in <place>|this week|on sunday|tonight|next week}{ in <place>|}", "what time is it{ in <place>|}",
    "what day is {it|today|tomorrow}", "do you {like|love|hate|know|want|believe in|remember|eat|enjoy|drink|play|"
    "watch|read} {<topic>|<things>|<person>|<place>|a <thing>|music}", "are you {happy|hungry|tired|married|sad|"
    "angry|bored|in love|sick|cold|afraid|conscious|rich|lonely}", "recommend {me |}{a|some|a good|an} {book|film|"
    "movie|restaurant|recipe|song|game|wine|hotel|series|holiday|city|beach|phone|laptop|car|bike|museum|show}"
    "{ about <topic>| in <place>| for <person>|}", "what {book|film|movie|song|game|wine|car|phone|laptop|series} "
    "should I {read|watch|buy|play|hear|drink|try|get|choose}", "{translate|say|spell|pronounce} {<thing>|<topic>|good "
    "morning|hello|thank you|i love you} {in|to|into} {french|german|spanish|latin|japanese|italian|russian}",
    "what does {<thing>|<topic>|<nonsense>|love|faith|<things>} {mean|cost|weigh|look like|taste like|eat}",
    "who {won|will win|lost|hosts|is winning} {the <event>|the election|the match|the game|the world "
    "championship|the final}{ in <year>| last year| yesterday|}", "<topic>", "<things>", "the <thing>", "<person>",
    "<place>", "<nonsense>", "<nonsense> <nonsense>", "what is {a |}<nonsense>", "who is <nonsense>", "<nonsense> "
    "<nonsense> <nonsense>", "explain {<topic>|the <event>|the <thing>|<things>|<work>}{ to me| like I am five| "
    "simply|}", "{tell me|I want to know|talk} {about|something about|more about} {<topic>|<things>|<place>|<person>|"
    "<work>|the <event>}", "{should|can|may} I <do>", "I {like|love|hate|miss|prefer|bought|lost|found|saw|ate} "
    "{<things>|<topic>|my <thing>|a <thing>|<place>|<person>}", "my <thing> is {broken|lost|red|old|late|dead|"
    "hungry|sick|too small|dirty}", "I {am|feel} {sad|happy|hungry|tired|bored|in love|angry|lonely|sick|cold|thirsty|"
    "sleepy|excited}", "is {<person>|<place>|the <thing>|<topic>} {good|big|alive|famous|dangerous|true|real|healthy|"
    "expensive|beautiful|dead|nice}", "which {<thing>|country|animal|planet|team|colour|fruit|language} is the {best|"
    "biggest|fastest|oldest|smallest|cheapest|tallest|most beautiful}", "how many {<things>|people|days|legs|planets|"
    "countries|bones|hours|cups|grams|miles} {are there|does a <thing> have|are in <place>|live in <place>|in a year|"
    "in a <thing>}", "{play|start|open|turn on|turn off|close|switch on} {some music|the <thing>|the lights|a game|"
    "<work>|the radio|the tv|my <thing>|the heating|youtube}", "{book|order|buy|reserve|find|get} {me |}{a|an|some} "
    "{flight|taxi|pizza|table|ticket|hotel|train|room|<thing>|coffee|doctor}{ to <place>| in <place>| for tonight|}",
    "{remind me to|wake me|set an alarm|set a timer|call|text|email} {<do>|at seven|for ten minutes|my mother|<person>|"
    "tomorrow|my boss}", "{what|who} {was|is} {the first|the last|the best|the greatest} {<thing>|king of <place>|man "
    "on the moon|emperor|president|<work>|film}", "{let's|let us} {play a game|talk about <topic>|go to <place>|<do>}",
    "{what do you think|your opinion|what's your opinion} {about|of|on} {<topic>|<person>|<place>|<things>|love}",
    "how do I {install|uninstall|update|use|open|fix|set up|remove|configure} {windows|<software>|my printer|a printer|"
    "the router|bluetooth|wifi|my phone|<software> on windows|a scanner|the keyboard|a washing machine|a <thing>}",
    "{what is|explain|how does} {<software>|a compiler|a database|the internet|recursion|a hash table|a blockchain|"
    "quantum computing|machine learning|encryption}{ work|}",
]

PLACES = """france germany spain italy portugal greece poland norway sweden finland denmark austria
switzerland belgium japan china india korea brazil argentina chile peru mexico canada egypt kenya
nigeria morocco turkey iran russia ukraine ireland scotland england australia iceland cuba vietnam
paris london berlin rome madrid lisbon vienna prague warsaw moscow tokyo beijing cairo lagos sydney
boston chicago texas california hamburg munich oslo athens dublin budapest mars venus jupiter saturn
europe africa asia antarctica hawaii mongolia""".split() + ["new york", "new zealand", "south africa"]
PEOPLE = """napoleon caesar einstein newton mozart beethoven bach shakespeare goethe picasso rembrandt
cleopatra gandhi mandela lincoln washington churchill darwin galileo columbus aristotle plato socrates
madonna elvis messi ronaldo obama merkel lenin marx freud kafka tolstoy dickens hemingway
batman superman gandalf hamlet odysseus zeus santa jesus buddha taylor beyonce turing curie tesla
edison bob alice my mother my boss my neighbour my wife my dog""".replace(
    "my mother my boss my neighbour my wife my dog", "").split() + ["my mother", "my boss", "the pope",
    "the king", "the president", "the queen", "marie curie", "john lennon", "my neighbour", "my wife"]
THINGS = """car house tree dog cat horse bird fish bicycle train plane ship boat bridge tower castle
church garden flower rose apple bread cheese cake pizza soup salad egg potato tomato onion coffee tea
beer wine water milk sugar salt pepper table chair bed sofa lamp door window wall roof kitchen bathroom
shirt shoe hat coat dress trousers jacket glove watch ring phone laptop camera guitar piano violin drum
ball bat racket ski sledge tent rucksack knife fork spoon plate cup bottle pan oven fridge dishwasher
vacuum broom hammer saw nail screw ladder engine wheel tyre brake candle mirror carpet curtain pillow
blanket towel soap brush comb umbrella doll puzzle kite balloon tiger lion elephant giraffe monkey snake
spider bee ant whale shark dolphin penguin owl eagle wolf bear fox rabbit mouse cow pig sheep goat
rainbow volcano planet star comet galaxy mountain river lake ocean island desert forest beach cloud""".split()
TOPICS = """love music art history football tennis chess cooking baking gardening politics religion
philosophy physics chemistry biology geography economics mathematics algebra geometry poetry theatre
opera jazz rock ballet painting sculpture photography fashion travel food health sleep dreams money
taxes insurance school university work holidays christmas easter birthdays marriage children pets
dinosaurs pirates knights robots ghosts vampires dragons magic gravity evolution electricity democracy
capitalism inflation climate pollution recycling energy oil gold silver diamonds friendship happiness
death war peace justice freedom truth beauty time space black holes the universe the sea the sky the
weather the future yoga meditation fitness running swimming skiing surfing basketball baseball cricket
golf rugby boxing origami knitting sewing fishing hunting camping hiking bitcoin stocks""".split() + [
    "black holes", "the sea", "the universe", "the future", "the stock market", "the bible",
    "photosynthesis", "the big bang", "global warming", "ancient rome", "outer space"]
EVENTS = ["french revolution", "world cup", "second world war", "moon landing", "olympics", "super bowl",
          "cold war", "renaissance", "middle ages", "election", "stone age", "ice age", "oscars",
          "world series", "champions league", "titanic", "civil war", "berlin wall", "gold rush", "tour "
          "de france", "roman empire", "eurovision", "grand prix", "nobel prize", "bronze age"]
WORKS = ["hamlet", "faust", "star wars", "harry potter", "the odyssey", "the lord of the rings", "titanic",
         "the mona lisa", "the bible", "guernica", "don quixote", "frozen", "matrix", "casablanca", "moby "
         "dick", "the magic flute", "yesterday", "imagine", "war and peace", "jurassic park"]
SOFTWARE = ["windows", "excel", "word", "photoshop", "chrome", "firefox", "docker", "git", "mysql", "steam",
            "minecraft", "android", "wordpress", "outlook", "spotify", "netflix", "zoom", "skype", "macos",
            "blender", "gimp", "vim", "emacs", "kubernetes", "nginx", "postgres", "gcc", "office"]
VERBS = {
    "bake": ["bread", "a cake", "cookies", "a pie", "muffins", "a pizza", "rolls"],
    "cook": ["rice", "pasta", "an egg", "soup", "a stew", "dinner", "noodles", "lobster", "potatoes"],
    "make": ["coffee", "tea", "an omelette", "a sandwich", "a paper plane", "money", "friends", "jam",
             "cheese", "beer", "a fire", "pancakes", "a snowman", "candles", "lemonade"],
    "fix": ["my car", "a bicycle", "a flat tyre", "the sink", "my roof", "a broken chair", "the toilet"],
    "clean": ["the oven", "my shoes", "a carpet", "the windows", "my room", "a fish tank", "silver"],
    "learn": ["french", "the guitar", "to swim", "chess", "to dance", "mathematics", "the piano"],
    "grow": ["tomatoes", "roses", "a beard", "potatoes", "herbs", "mushrooms", "a tree"],
    "paint": ["a wall", "a portrait", "my house", "a landscape", "eggs", "my nails"],
    "buy": ["a house", "a car", "shoes", "stocks", "a ring", "flowers", "a ticket", "gold"],
    "find": ["a job", "a girlfriend", "my keys", "a doctor", "cheap flights", "true love", "a flat"],
    "lose": ["weight", "my fear", "ten kilos", "my accent"],
    "get": ["rich", "a visa", "a passport", "fit", "to sleep", "to the airport", "rid of ants", "a dog"],
    "build": ["a house", "a shed", "a boat", "a robot", "a birdhouse", "a bridge", "a wall", "a career"],
    "play": ["the guitar", "chess", "poker", "football", "the violin", "tennis", "hide and seek"],
    "wash": ["my car", "wool", "my hands", "the dishes", "a dog", "curtains"],
    "sew": ["a button", "a dress", "curtains"], "knit": ["socks", "a scarf", "a jumper"],
    "plan": ["a wedding", "a trip", "a party", "my week", "a garden"],
    "drive": ["a car", "to Rome", "a truck", "on ice"], "sell": ["my house", "my car", "old books"],
    "train": ["my dog", "for a marathon", "a parrot", "my memory"],
    "catch": ["a fish", "a mouse", "the bus", "a cold"], "solve": ["a rubik's cube", "a riddle",
              "a quadratic equation", "this puzzle"], "calculate": ["the area of a circle", "my taxes",
              "interest", "a percentage"], "invest": ["money", "in gold", "my savings"],
    "remove": ["a stain", "wallpaper", "snow", "a tick"], "cut": ["my hair", "glass", "an onion", "grass"],
    "tie": ["a tie", "my shoes", "a knot"], "fold": ["a shirt", "a paper crane"],
    "draw": ["a cat", "a horse", "a face", "a circle"], "pay": ["my taxes", "a bill", "the rent"],
    "travel": ["to Japan", "to the moon", "cheaply"], "visit": ["Rome", "my aunt", "a museum"],
    "write": ["a novel", "a cv", "a love letter", "a song", "an essay", "an application", "a will"],
    "sleep": ["better", "longer", "on a plane"], "open": ["a jar", "a bottle", "a bank account"],
    "iron": ["a shirt", "trousers"], "plant": ["a tree", "tulips"], "install": ["a washing machine",
              "a lamp", "solar panels", "a shelf", "windows", "a sink"], "repair": ["a watch", "a bike"],
    "connect": ["a printer", "my headphones", "a tv", "to the wifi"], "cure": ["a cold", "hiccups"],
}


def do_phrase(r):
    v = r.choice(list(VERBS))
    return v + " " + r.choice(VERBS[v])


def sum_phrase(r):
    a, b = r.randint(1, 999), r.randint(1, 99)
    return r.choice(["%d + %d", "%d plus %d", "%d times %d", "%d * %d", "%d x %d", "%d minus %d",
                     "%d - %d", "%d divided by %d", "%d / %d", "%d to the power of %d", "%d percent of "
                     "%d"]) % (a, b) if r.random() < 0.9 else "the square root of %d" % a
