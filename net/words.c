/* The list of check words; see words.h. Only data. */
#include "net/words.h"

/* clang-format off */
const char *const net_words[256] = {
    "accent", "acid", "actor", "alarm", "album", "almond", "amber", "anchor", "angel", "ankle",
    "apple", "april", "apron", "arrow", "atlas", "autumn", "bacon", "badge", "bamboo", "banana",
    "banjo", "banner", "barrel", "basket", "beach", "beetle", "biscuit", "bishop", "blanket",
    "bottle", "bounce", "branch", "bridge", "bronze", "bubble", "bucket", "butter", "cabin",
    "cactus", "camel", "candle", "canyon", "carbon", "castle", "cement", "cherry", "chimney",
    "circus", "clover", "cobalt", "coffee", "comet", "compass", "copper", "coral", "cotton",
    "cousin", "cradle", "crater", "cricket", "crown", "curtain", "daisy", "dancer", "denim",
    "desert", "diamond", "dinner", "doctor", "dolphin", "donkey", "dragon", "drum", "duke",
    "eagle", "earth", "easel", "echo", "elbow", "engine", "ermine", "evening", "fabric", "falcon",
    "farmer", "feather", "ferry", "fiddle", "finger", "flute", "forest", "fossil", "fountain",
    "frog", "funnel", "galaxy", "garden", "garlic", "gazelle", "ghost", "giant", "glacier",
    "goblet", "gravel", "guitar", "gypsum", "hammer", "harbor", "hazel", "helmet", "hermit",
    "hockey", "honey", "hornet", "hotel", "hunter", "igloo", "indigo", "insect", "iron", "island",
    "ivory", "jacket", "jaguar", "jasmine", "jelly", "jigsaw", "jungle", "kettle", "kidney",
    "kitten", "kiwi", "knight", "ladder", "lagoon", "lantern", "lavender", "lemon", "leopard",
    "lily", "linen", "lizard", "lobster", "lumber", "magnet", "magpie", "mango", "maple", "marble",
    "meadow", "melon", "mirror", "mosaic", "muffin", "napkin", "needle", "nephew", "nickel",
    "noodle", "nurse", "nutmeg", "oasis", "ocean", "ocelot", "octopus", "olive", "onion", "opera",
    "orbit", "orchid", "otter", "oxygen", "oyster", "paddle", "palace", "panda", "paprika",
    "parrot", "pebble", "pencil", "pepper", "piano", "pigeon", "pillow", "planet", "pocket",
    "poppy", "potato", "prairie", "puzzle", "pyramid", "quarry", "queen", "quilt", "rabbit",
    "raccoon", "radar", "radish", "raven", "ribbon", "river", "robot", "salmon", "sandal",
    "sapphire", "satin", "scarf", "school", "shadow", "silver", "skate", "sleeve", "snail",
    "soccer", "spider", "spoon", "squid", "stable", "summer", "sunset", "syrup", "teapot",
    "temple", "thunder", "tiger", "timber", "toast", "tomato", "torch", "trumpet", "tulip",
    "turban", "turtle", "tuxedo", "umbrella", "uncle", "unicorn", "vacuum", "valley", "vanilla",
    "velvet", "violin", "volcano", "wagon", "walnut", "walrus", "whistle", "window", "winter",
    "xenon", "yacht", "yellow", "yogurt", "zebra", "zigzag", "zipper",
};
/* clang-format on */
