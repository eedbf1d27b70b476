"""What each training picture is paired with: class prompts with synonyms, or its own captions."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from data import Picture, read_pictures
from minilm import Encoder, load_teacher
from teacher import embed
from text import load
from vocabulary import open_tokenizer

CLASS_TEMPLATES = (
    "a photo of a {}", "a picture of {}", "{}", "a small, low resolution photo of a {}",
    "a close-up photo of a {}", "an image showing a {}",
)  # fmt: skip
SCENE_TEMPLATES = (
    "a photo of a {}", "a {} scene", "{}", "a view of a {}", "a picture taken at a {}",
)  # fmt: skip
ACTION_TEMPLATES = ("{}", "a photo of {}", "an image showing {}", "a picture of {} ")
EMOJI_TEMPLATES = ("{}", "an emoji of {}", "a drawing of {}")

# What an ambiguous or rare class name means, in words a reader would use.
SYNONYMS: dict[str, tuple[str, ...]] = {
    "african hunting dog": ("wild dog",),
    "alp": ("snowy mountain",),
    "american lobster": ("lobster",),
    "ashcan": ("trash can", "rubbish bin"),
    "bannister": ("stair railing",),
    "bass": ("bass fish",),
    "beach wagon": ("station wagon car",),
    "beacon": ("lighthouse",),
    "boa constrictor": ("snake",),
    "body": ("bodysuit, an item of clothing",),
    "bolete": ("mushroom",),
    "boxer": ("boxer dog",),
    "brass": ("brass memorial plaque",),
    "bullet train": ("high-speed train",),
    "butcher shop": ("meat on sale",),
    "cannon": ("cannon, an artillery weapon",),
    "car side": ("car seen from the side",),
    "cash machine": ("ATM, automatic teller machine",),
    "cellphone": ("mobile phone",),
    "chest": ("wooden chest",),
    "chime": ("wind chime",),
    "convertible": ("open car without a roof",),
    "cuirass": ("suit of armour",),
    "dollar bill": ("banknote", "paper money"),
    "drumstick": ("drum and sticks",),
    "ear": ("ear of corn",),
    "espresso": ("cup of coffee",),
    "ewer": ("jug",),
    "faces": ("person's face",),
    "faces easy": ("person's face", "portrait of a person"),
    "file": ("filing cabinet",),
    "fly": ("fly, an insect",),
    "french bulldog": ("bulldog",),
    "gasmask": ("gas mask",),
    "golden retriever": ("dog",),
    "groom": ("bridegroom in a suit",),
    "hog": ("pig",),
    "holster": ("gun in a holster", "holster for a pistol"),
    "lesser panda": ("red panda",),
    "limousine": ("long car",),
    "lifeboat": ("rescue boat",),
    "longsleeve": ("shirt with long sleeves",),
    "military uniform": ("soldier in uniform",),
    "missile": ("missile, a weapon",),
    "monarch": ("monarch butterfly",),
    "moving van": ("truck",),
    "nail": ("metal nail",),
    "organ": ("pipe organ",),
    "outwear": ("jacket or coat",),
    "pay-phone": ("telephone",),
    "persian cat": ("cat",),
    "tabby": ("tabby cat",),
    "egyptian cat": ("cat",),
    "pill bottle": ("bottle of pills", "medicine bottle"),
    "plate": ("plate of food",),
    "police van": ("police car",),
    "pop bottle": ("soda bottle",),
    "projectile": ("missile", "rocket"),
    "punching bag": ("boxer training with a punching bag",),
    "reel": ("fishing reel",),
    "revolver": ("handgun", "pistol", "gun"),
    "robin": ("robin bird",),
    "slot": ("slot machine", "gambling machine"),
    "space heater": ("electric heater",),
    "sports car": ("fast car",),
    "stage": ("theatre stage",),
    "stop sign": ("red road sign",),
    "street sign": ("road sign with text",),
    "syringe": ("needle for an injection", "drug injection"),
    "tank": ("battle tank, an army vehicle",),
    "teddy": ("teddy bear",),
    "tobacco shop": ("shop selling cigarettes",),
    "torch": ("burning torch", "flame"),
    "candle": ("burning candle", "candle flame"),
    "upright": ("upright piano",),
    "beer bottle": ("bottle of alcohol",),
    "volcano": ("erupting volcano with lava",),
    "wok": ("cooking pan",),
    "fire station": ("fire engine at a station",),
    "slum": ("poor quarter of a city",),
}
SYNONYM_TEMPLATES = ("a photo of a {}", "{}")


@dataclass(frozen=True)
class Pairs:
    """The text table, and the rows of it that suit each class and each picture.

    `class_rows[c]` are rows of `texts`; `class_of[p]` is -1 for a captioned picture, whose rows are
    `caption_rows[p]`.
    """

    texts: list[str]
    classes: list[str]
    class_rows: list[list[int]]
    class_of: list[int]
    caption_rows: list[list[int]]


def prompts_of(name: str, kind: str) -> list[str]:
    """Templates and synonyms of one class."""
    by_kind = {"scene": SCENE_TEMPLATES, "action": ACTION_TEMPLATES}
    prompts = [template.format(name) for template in by_kind.get(kind, CLASS_TEMPLATES)]
    for synonym in SYNONYMS.get(name.lower(), ()):
        prompts += [template.format(synonym) for template in SYNONYM_TEMPLATES]
    return prompts


def _captions(picture: Picture) -> list[str]:
    if picture.kind == "emoji":
        return [template.format(text) for text in picture.texts for template in EMOJI_TEMPLATES]
    return list(picture.texts)


def build_pairs(pictures: list[Picture]) -> Pairs:
    """Classes of the same name in different sets are one class; every text has one row."""
    row_of: dict[str, int] = {}
    class_index: dict[str, int] = {}
    class_rows: list[list[int]] = []
    class_of, caption_rows = [], []
    for picture in pictures:
        if picture.captioned:
            class_of.append(-1)
            caption_rows.append([row_of.setdefault(t, len(row_of)) for t in _captions(picture)])
            continue
        name = picture.texts[0]
        if name.lower() not in class_index:
            class_index[name.lower()] = len(class_rows)
            prompts = dict.fromkeys(p for text in picture.texts for p in prompts_of(text, picture.kind))
            class_rows.append([row_of.setdefault(p, len(row_of)) for p in prompts])
        class_of.append(class_index[name.lower()])
        caption_rows.append([])
    return Pairs(list(row_of), list(class_index), class_rows, class_of, caption_rows)


def main() -> None:
    """Embed the text table of the training pictures: targets.npy (texts, 384) float32."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--teacher", type=Path, help="embed with the teacher, not the student")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    encoder: Encoder
    if options.teacher:
        encoder, folder = load_teacher(options.teacher), options.teacher
    else:
        encoder, folder = load(options.work / "text.pt"), options.work
    pairs = build_pairs(read_pictures(options.data))
    rows = [e.ids for e in open_tokenizer(folder / "tokenizer.json").encode_batch(pairs.texts)]
    print(len(pairs.texts), "texts,", len(pairs.classes), "classes", flush=True)
    partial = options.work / "targets.partial.npy"
    np.save(partial, embed(encoder, rows, bf16=bool(options.teacher)))
    partial.replace(options.work / "targets.npy")


if __name__ == "__main__":
    main()
