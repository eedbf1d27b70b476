"""ImageNet's thousand classes in words: what the published classifier's outputs mean."""

from __future__ import annotations

import ast
import zipfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

TEMPLATES = ("a photo of a {}", "{}", "a picture of a {}", "a close-up photo of a {}", "an image showing a {}")
SHORT_TEMPLATES = ("a photo of a {}", "a {}")

# Plainer and wider words for classes, by index: what a rule's author would write.
WIDER: dict[str, tuple[int, ...]] = {
    "weapon": (413, 456, 471, 657, 744, 763, 764),
    "gun": (413, 763, 764),
    "firearm": (413, 763, 764),
    "handgun": (763,),
    "pistol": (763,),
    "pistol or handgun": (763,),
    "machine gun": (413,),
    "long gun": (413, 764),
    "bow and arrow": (456,),
    "bomb or missile": (657, 744),
    "artillery weapon": (471,),
    "gun in a holster": (597,),
    "sword": (777,),
    "dagger": (623, 777),
    "knife": (499, 623),
    "sharp blade": (499, 623, 777),
    "axe": (596,),
    "army vehicle": (408, 586, 609, 847),
    "soldier": (465, 652),
    "tool": (473, 512, 587, 596, 634, 696, 726, 740, 783, 784, 792, 813),
    "hand tool": (587, 596, 726, 740, 784),
    "kitchen tool": (473, 567, 618, 647, 659, 813, 828, 909, 910),
    "electronic device": (
        480, 481, 482, 485, 487, 527, 590, 592, 605, 620, 632, 662, 664, 673, 681, 745, 754, 761, 782, 848, 851,
    ),
    "computer": (508, 527, 590, 620, 664, 673, 681, 782),
    "phone": (487, 528, 707),
    "measuring device": (426, 531, 604, 635, 685, 688, 769, 778, 798, 826, 835),
    "pen": (418, 563, 749),
    "toy": (611, 723, 850, 865),
    "bottle": (440, 720, 737, 898, 899, 901, 907),
    "alcoholic drink": (440, 441, 503, 901, 907, 966),
    "beer": (440, 441),
    "medicine": (648, 720),
    "injection with a needle": (845,),
    "cigarette lighter": (626,),
    "flame": (470, 626, 644, 862),
    "fire": (556, 644, 862),
    "cigarettes for sale": (860,),
    "erupting volcano": (980,),
    "gambling machine": (800,),
    "musical instrument": (
        401, 402, 420, 432, 486, 513, 541, 546, 558, 566, 577, 579, 593, 594, 641, 642, 683, 684, 687, 699, 776,
        822, 875, 881, 889,
    ),
    "piece of clothing": (
        399, 400, 411, 474, 501, 568, 578, 608, 610, 614, 617, 655, 735, 834, 841, 869, 887,
    ),
    "hat": (433, 439, 452, 515, 667, 715, 793, 808),
    "shoe": (502, 514, 630, 770, 774),
    "bag": (414, 636, 728, 748, 893),
    "vehicle": (436, 468, 511, 555, 569, 609, 627, 654, 656, 661, 675, 717, 734, 751, 757, 779, 817, 864, 867),
    "car": (436, 468, 511, 609, 627, 656, 661, 717, 751, 817),
    "boat": (472, 484, 554, 576, 625, 724, 780, 814, 871, 914),
    "building": (425, 449, 483, 497, 663, 668, 698, 832),
    "page with text": (916, 917, 918, 921, 922),
    "document": (549, 921, 922),
    "screenshot of a website": (916,),
    "screen": (664, 782, 851, 916),
    "food": (*range(924, 970),),
    "fruit": (*range(948, 958),),
    "dog": (*range(151, 269),),
    "cat": (*range(281, 286),),
    "bird": (*range(7, 25), *range(80, 101), *range(127, 147)),
    "snake": (*range(52, 69),),
    "lizard": (*range(38, 49),),
    "insect": (*range(300, 327),),
    "spider": (*range(70, 78),),
    "fish": (*range(7), *range(389, 398)),
    "monkey": (*range(365, 385),),
}  # fmt: skip


def read_classes(open_clip: Path, timm: Path) -> list[list[str]]:
    """Prompts of each class in the classifier's order, from two wheels: curated names; lemmas and definitions."""
    source = zipfile.ZipFile(open_clip).read("open_clip/zero_shot_metadata.py").decode()
    (names,) = [
        ast.literal_eval(node.value)
        for node in ast.parse(source).body
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "IMAGENET_CLASSNAMES"
    ]
    with zipfile.ZipFile(timm) as archive:

        def table(name: str) -> dict[str, str]:
            lines = archive.read(f"timm/data/_info/{name}.txt").decode().splitlines()
            return dict(line.split("\t") for line in lines)

        synsets = archive.read("timm/data/_info/imagenet_synsets.txt").decode().split()
        lemmas, definitions = table("imagenet_synset_to_lemma"), table("imagenet_synset_to_definition")
    classes = []
    for name, synset in zip(names, synsets, strict=True):
        words = [part for piece in name.split(" / ") for part in piece.split(" or ")]
        words += [lemma.strip() for lemma in lemmas[synset].split(",")[:3]]
        prompts = [template.format(word) for word in dict.fromkeys(words) for template in TEMPLATES]
        prompts.append(f"{words[0]}: {definitions[synset].split(';')[0]}")
        prompts.append(definitions[synset].split(";")[0])
        classes.append(prompts)
    for word, members in WIDER.items():
        for index in members:
            classes[index] += [template.format(word) for template in SHORT_TEMPLATES]
    return [list(dict.fromkeys(prompts)) for prompts in classes]
