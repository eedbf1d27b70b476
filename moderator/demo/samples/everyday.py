"""Harmless topics: everyday posts, and look-alikes that only touch on what rules forbid."""

from typing import Final

from moderator.demo.samples.topics import Topic

_VIEWS: Final = ("sunset", "mountains", "houses", "night_sky", "beach")
_HOME: Final = ("cat", "coffee", "flowers", "houses")
_FOOD: Final = ("pizza", "coffee", "kitchen", "receipt")
_GOODS: Final = ("lamp", "table", "book", "gradient")

FEED: Final = (
    Topic(
        "food",
        "feed",
        (
            "I made {dish} for the first time and {name} asked for seconds.",
            "{place} was {adjective} today, we stayed until they closed.",
            "Tried {dish} at a tiny place in {town}. I will be dreaming of it all week.",
            "Leftover {dish} for breakfast. No regrets.",
            "Does anyone have a good recipe for {dish}? Mine never turns out right.",
        ),
        _FOOD,
    ),
    Topic(
        "travel and weather",
        "feed",
        (
            "Three days in {town} and the light in the evenings is unreal.",
            "The train to {town} was two hours late, but I met an old friend on it.",
            "First frost on the windows this {day}. Time to find the gloves.",
            "It has rained in {town} since {day}, and I quite like it.",
            "We walked along the coast for {few} hours and saw nobody but seagulls.",
        ),
        _VIEWS,
    ),
    Topic(
        "sport and hobbies",
        "feed",
        (
            "Went {sport} with {name} on {day}, everything hurts in a good way.",
            "I finished {book} last night and already miss the characters.",
            "The {plant} on my balcony are finally coming up!",
            "Our choir sings in {town} next {day}, come along if you like.",
            "{film} was {adjective}. {name} fell asleep, I cried.",
        ),
        ("flowers", "mountains", "bicycle", "book"),
    ),
    Topic(
        "work and study",
        "feed",
        (
            "New job starts on {day}. Nervous and happy at the same time.",
            "Today I explained {tool} to my father, and he explained patience to me.",
            "Passed my {subject} exam! Thank you {name} for all the evenings at the library.",
            "Sales in our little shop were up {percent} % in spring, here is the chart.",
            "My team has moved the weekly meeting to {day}, nobody knows why.",
        ),
        ("bar_chart", "line_chart", "book"),
    ),
    Topic(
        "family and pets",
        "feed",
        (
            "{pet} has discovered the cardboard box and will not come out any more.",
            "Grandma turned ninety on {day} and danced longer than all of us.",
            "Our daughter lost her first tooth today and is very proud of it.",
            "We painted the kitchen {colour}. It looks better than expected.",
            "Movie night with the whole family, {name} gets to choose.",
        ),
        _HOME,
    ),
)

COMMENT: Final = (
    Topic(
        "friendly reply",
        "comment",
        (
            "What a beautiful picture, where did you take it?",
            "Congratulations, {name}! You have earned it.",
            "Thanks for the tip, I will try it on {day}.",
            "Same here, {pet} does exactly that every morning.",
            "Happy birthday, {name}! All the best from {town}.",
            "Get well soon, we miss you at {sport}.",
            "Ha, that made me laugh on the bus.",
            "I was there on {day} too, we must have just missed each other.",
        ),
    ),
    Topic(
        "question",
        "comment",
        (
            "Which settings did you use for {tool}? Mine keeps freezing.",
            "Is {place} open on {day}?",
            "How long does it take from {town} by bike?",
            "Could you share the recipe for {dish}, please?",
            "Do you water the {plant} every day?",
            "What was the name of the book about {subject} that you mentioned?",
        ),
        ("bicycle", "flowers"),
    ),
    Topic(
        "disagreement",
        "comment",
        (
            "I see it differently, {film} was far too long for me.",
            "Sorry, but the second half of the season was weaker than the first.",
            "I do not think a new car park is what {town} needs. More trees, please.",
            "With respect, the numbers in the article do not support that.",
            "{dish} without garlic? We need to talk.",
            "I would rather have the meeting on {day}, the evening is too late for me.",
        ),
    ),
    Topic(
        "sports talk",
        "comment",
        (
            "What a match, {club} deserved it in the end.",
            "That penalty in the last minute, I could hardly watch.",
            "If {club} defend like that on {day} it will be a long evening.",
            "Best season in years, see you all at the stadium.",
        ),
        ("line_chart",),
    ),
)

LISTING: Final = (
    Topic(
        "furniture",
        "listing",
        (
            "{furniture}, {colour}, some scratches, {price} or best offer. Pick up in {town}.",
            "Solid {furniture} from a smoke-free home, 80 cm wide, easy to take apart.",
            "We are moving and sell our {furniture} for {price}. Help with carrying is no problem.",
            "{furniture} in {colour}, bought last year, receipt available.",
        ),
        ("lamp", "table"),
    ),
    Topic(
        "electronics",
        "listing",
        (
            "Used {goods}, works perfectly, with charger and box. {price} when you collect it.",
            "{goods}, two years old, small dent on the back, battery still good.",
            "Selling my {goods} because I got a new one. Can be tested here in {town}.",
            "Spare parts for a {goods}, free to anyone who can use them.",
        ),
        ("receipt", "gradient"),
    ),
    Topic(
        "clothes",
        "listing",
        (
            "Winter coat, {colour}, size {size}, worn for one season, {price}.",
            "Rain jacket, size {size}, too small for our son now. Washed and mended.",
            "Hand-knitted socks in {colour}, one pair left, {price} plus shipping.",
            "Hiking boots, size {size}, worn twice, they do not fit me.",
        ),
    ),
    Topic(
        "toys and books",
        "listing",
        (
            "{toy}, complete, from a household with careful children, {price}.",
            "A box of {few} cookbooks, one of them about {dish}, all like new.",
            "Children's bike, {colour}, 20 inch, new tyres. Cash on collection in {town}.",
            "School books for {subject}, grades seven to nine, {price} together.",
        ),
        ("book", "bicycle"),
    ),
    Topic(
        "kitchen and garden",
        "listing",
        (
            "Set of {few} flower pots, {colour}, {price}.",
            "Young {plant} from my garden, in pots, {price} for three.",
            "Cast-iron pan, heavy, well seasoned, lasts for another hundred years.",
            "Garden chairs, {colour}, stackable, {price} each or {few} for a better price.",
        ),
        ("flowers", "table", "coffee"),
    ),
)

KIDS: Final = (
    Topic(
        "children's talk",
        "kids",
        (
            "My favourite animal is the {animal}. What is yours?",
            "We built a castle out of snow and {name} was the queen!",
            "Today at school we made a volcano and a {animal} out of clay.",
            "I can ride my bike without hands now, but only on the grass.",
            "My tooth is loose and it wiggles!!",
            "We baked cookies with grandma and I licked the spoon.",
            "I drew a {animal} with a rainbow tail for my mum.",
        ),
        ("childs_drawing", "cat", "beach", "mountains"),
    ),
    Topic(
        "games and school",
        "kids",
        (
            "Who knows how to get past level {few} in the {animal} game?",
            "Our class is going to the zoo on {day}, I want to see the {animal}.",
            "I swapped two stickers with {name} and got the shiny {animal}.",
            "We won the relay race at sports day!",
            "Can you help me with my homework? It is about fractions and a {animal}.",
            "I am going as a {animal} to the carnival.",
        ),
        ("childs_drawing", "book", "bicycle"),
    ),
)

ANYWHERE: Final = (
    Topic(
        "note",
        None,
        (
            "The meeting is moved to {day}, same room.",
            "Thank you all for {day}, it was {adjective}.",
            "Lost a {colour} umbrella at {place}, please tell me if you find it.",
            "Here are the photos of our trip to {town}.",
            "Reminder: bring {dish} for the office lunch on {day}.",
        ),
        _VIEWS + _GOODS,
    ),
)

LOOKALIKES: Final = (
    Topic(
        "news",
        "feed",
        (
            "Police in {town} arrested {few} people who had cheated pensioners out of {big} euros.",
            "Parliament debates stricter rules for the sale of knives on {day}.",
            "After the fire in {town} everyone is safe, says the fire brigade.",
            "A study finds that fewer teenagers smoke than ten years ago.",
        ),
        ("fire", "line_chart"),
    ),
    Topic(
        "warning",
        "feed",
        (
            "Careful, somebody sends text messages about a parcel fee. Do not open the link.",
            "My aunt nearly lost {big} to a caller who said he was from her bank. Talk to yours.",
            "How to recognise fake shops: no address, only advance payment, prices too good.",
        ),
        ("phone_scam",),
    ),
    Topic(
        "counter-speech",
        "comment",
        (
            "Please stop piling on {name}. One can disagree without insults.",
            "Nobody should be shouted at for where they come from. See you at the march on {day}.",
            "I was bullied at school as well. It gets better, and you are not alone.",
        ),
    ),
    Topic(
        "figure of speech",
        "comment",
        (
            "This hill will be the death of me, see you at the top!",
            "My flatmate will kill me when he sees what I did to his pan.",
            "{club} got slaughtered today, four to nil, at home.",
            "I would murder for a plate of {dish} right now.",
        ),
    ),
    Topic(
        "harmless goods",
        "listing",
        (
            "Paring knives and a chopping board, part of a complete kitchen, {price}.",
            "Vintage ashtray made of glass, I use it for paper clips. {price}.",
            "Water pistols, {few} of them, for the next hot summer.",
            "Cat carrier and a scratching post, our cat has moved to the neighbours.",
        ),
        ("kitchen",),
    ),
    Topic(
        "education",
        "kids",
        (
            "Never tell a stranger on the internet where you live or which school you go to.",
            "A fireman came to our class and told us why matches are dangerous.",
            "We learned in {subject} what smoking does to the lungs.",
        ),
        ("childs_drawing",),
    ),
)

EVERYDAY: Final = {
    "feed": FEED,
    "comment": COMMENT,
    "listing": LISTING,
    "kids": KIDS,
    "none": ANYWHERE,
}
