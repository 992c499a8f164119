//! The readable words of the world. Lists are strings of words, so that they can be read and extended.

/// Adjectives that describe without judging, as pairs of contraries. Which of a pair praises is a coin of the world.
pub(super) const CONTRARIES: &str = "\
    quiet/loud slow/quick dark/bright warm/cool soft/firm long/short plain/ornate old/new simple/complex \
    dry/moist dense/sparse narrow/broad smooth/rough sharp/blunt heavy/light gentle/fierce steady/shaky \
    clear/hazy rich/lean sweet/bitter calm/restless tidy/messy formal/casual modern/ancient rural/urban \
    local/foreign public/private solemn/playful serious/comic tense/relaxed subtle/blatant modest/lavish \
    tame/wild raw/polished fresh/stale round/angular deep/shallow tall/squat thick/thin wide/slender \
    hot/cold early/late open/closed direct/roundabout literal/figurative abstract/concrete linear/circular \
    static/dynamic rigid/flexible solid/hollow bold/timid proud/humble frank/coy earnest/ironic tender/tough \
    mild/spicy salty/bland creamy/crisp chewy/crumbly airy/stuffy sunny/shady windy/still foggy/stark \
    dusty/spotless muddy/gleaming rusty/shiny dull/glossy matte/lustrous pale/vivid faded/saturated \
    gray/colorful golden/silvery wooden/metallic woolen/silken velvety/scratchy furry/sleek fuzzy/precise \
    vague/exact brief/lengthy sudden/gradual rapid/leisurely hasty/patient frantic/serene noisy/silent \
    musical/toneless rhythmic/halting fluent/stilted wordy/terse chatty/taciturn polite/brusque lofty/earthy \
    grand/homely regal/rustic noble/common rare/usual odd/ordinary strange/familiar exotic/domestic \
    tropical/arctic coastal/inland northern/southern eastern/western central/remote hidden/visible \
    secret/overt mystic/practical dreamy/sober poetic/prosaic lyrical/factual romantic/rational \
    sentimental/detached intimate/aloof cozy/spacious cramped/roomy crowded/empty busy/idle active/passive \
    lively/sleepy alert/drowsy nimble/clumsy agile/stiff supple/brittle elastic/unbending loose/tight \
    slack/taut baggy/snug coarse/fine grainy/silky lumpy/even bumpy/level steep/flat curved/straight \
    crooked/aligned tangled/combed random/ordered scattered/gathered mixed/pure blended/separate \
    unique/generic special/typical novel/classic trendy/timeless retro/futuristic vintage/recent \
    aged/youthful mature/childlike innocent/knowing naive/worldly shy/outgoing reserved/effusive \
    guarded/candid cautious/daring careful/reckless measured/impulsive planned/improvised \
    rehearsed/spontaneous structured/freeform strict/lenient severe/mellow stern/jolly grave/merry \
    somber/festive mournful/cheery gloomy/breezy wistful/buoyant pensive/carefree brooding/sprightly \
    weary/spry faint/strong weak/potent meek/mighty tiny/huge small/large minor/major miniature/gigantic \
    compact/sprawling dainty/hefty petite/bulky slim/stout frail/sturdy fragile/durable delicate/robust \
    filmy/opaque bare/furnished blank/patterned striped/dotted painted/unpainted carved/molded \
    handmade/mechanical manual/automatic analog/digital acoustic/electric natural/synthetic floral/mineral \
    leafy/stony grassy/sandy mossy/chalky smoky/minty nutty/fruity peppery/sugary";

/// Contrary modifiers and what they modify: each combination is a pair more (`soft-edged`, `hard-edged`).
pub(super) const MODIFIERS: &str = "\
    soft/hard warm/cold dark/light slow/quick thin/thick long/short deep/shallow loud/quiet old/new wide/narrow \
    high/low dry/wet sharp/blunt rough/smooth heavy/slight open/closed plain/fancy straight/crooked near/far full/half";
pub(super) const HEADS: &str = "\
    edged toned paced spoken framed grained spun minded set cut drawn hued spirited natured voiced handed footed \
    woven built flavored";

/// What is reviewed, with what there is to say about it.
pub(super) const ITEMS: [(&str, [&str; 8]); 12] = [
    ("film", ["cast", "plot", "pace", "score", "script", "ending", "setting", "lighting"]),
    ("book", ["plot", "prose", "cover", "ending", "narrator", "setting", "dialogue", "opening"]),
    ("hotel", ["room", "bed", "lobby", "view", "staff", "breakfast", "garden", "pool"]),
    ("restaurant", ["soup", "bread", "service", "menu", "wine", "music", "dessert", "terrace"]),
    ("concert", ["band", "singer", "hall", "sound", "lighting", "encore", "crowd", "piano"]),
    ("train", ["seat", "carriage", "whistle", "window", "engine", "conductor", "route", "ticket"]),
    ("museum", ["guide", "entrance", "collection", "gallery", "shop", "hall", "courtyard", "roof"]),
    ("park", ["lake", "path", "bench", "lawn", "bridge", "fountain", "gate", "meadow"]),
    ("game", ["board", "story", "music", "map", "hero", "ending", "deck", "puzzle"]),
    ("house", ["kitchen", "porch", "stair", "window", "roof", "garden", "floor", "door"]),
    ("bicycle", ["saddle", "frame", "wheel", "bell", "chain", "basket", "lamp", "brake"]),
    ("play", ["stage", "actor", "costume", "curtain", "speech", "ending", "scenery", "chorus"]),
];

/// Descriptions that say nothing about the hidden sentiment.
pub(super) const COLORS: [&str; 12] =
    ["red", "blue", "green", "yellow", "purple", "orange", "brown", "black", "white", "pink", "turquoise", "beige"];

pub(super) const WOMEN: &str = "\
    mary anna emma julia clara alice nora ella lucy sarah laura helen maria ruth eva ida irene jane kate lena lily \
    linda lisa martha mia molly nina olga paula rita rosa sonia susan tina vera wanda zoe amy bella carla diana edith \
    fiona greta hanna inga judy karen leah mona naomi olive petra rachel sandra tessa ulla viola wilma yvonne agnes \
    bertha celia dora";
pub(super) const MEN: &str = "\
    john paul peter david thomas martin simon felix oscar hugo leo max adam ben carl daniel eric finn george henry \
    ivan jack kevin lars michael nils otto philip ralph samuel tim victor walter xaver albert bruno conrad dennis \
    edgar fred gavin harold isaac jonas kurt louis marco noah oliver patrick quentin robert stefan tobias ulrich \
    vincent wesley arthur bernard clemens dominic emil florian gustav";

pub(super) const PLACES: [&str; 24] = [
    "kitchen",
    "garden",
    "cellar",
    "attic",
    "library",
    "office",
    "hallway",
    "bedroom",
    "bathroom",
    "garage",
    "barn",
    "stable",
    "station",
    "market",
    "church",
    "school",
    "harbor",
    "forest",
    "tower",
    "theater",
    "bakery",
    "workshop",
    "courtyard",
    "cave",
];

pub(super) const THINGS: [&str; 48] = [
    "apple", "ball", "book", "bottle", "box", "brush", "bucket", "candle", "coin", "cup", "drum", "feather", "flute",
    "fork", "glass", "hammer", "hat", "jar", "kettle", "key", "kite", "knife", "lamp", "lantern", "letter", "map",
    "mask", "milk", "mirror", "necklace", "needle", "pear", "pen", "pillow", "plate", "ring", "rope", "saw", "scarf",
    "shell", "shoe", "spoon", "stamp", "stick", "stone", "ticket", "umbrella", "watch",
];
