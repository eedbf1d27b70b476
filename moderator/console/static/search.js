// Search: a sentence or an image finds recent posts.

import { post, trouble } from "./api.js";
import { postParts } from "./cards.js";
import { $, fill, h } from "./dom.js";
import { imageField } from "./images.js";

const image = imageField(() => image.name && look());
let under_way = null;

$("#search").addEventListener("submit", (event) => {
  event.preventDefault();
  look();
});

async function look() {
  const text = $("#text").value.trim() || null;
  if (!text && !image.name) return;
  under_way?.abort();
  const mine = (under_way = new AbortController());
  $("#progress").textContent = "Searching …";
  try {
    const answer = await post("/api/search", { text, image: image.name }, { signal: mine.signal });
    trouble(null);
    const left = answer.left ? `; ${answer.left.toLocaleString("en")} are still to be read, search again in a moment` : "";
    $("#progress").textContent = answer.found.length
      ? `The nearest ${answer.found.length} of ${answer.posts.toLocaleString("en")} recent posts${left}.`
      : `There are no recent posts yet${left}.`;
    fill($("#found"), answer.found.map((each) => h("li", {}, postParts(each.post,
      h("span", { class: "chip" }, `by its ${each.channel}`),
      h("span", { class: "muted number", title: "Spreads above ordinary content of its kind; and the cosine" },
        `${each.rarity > 0 ? "+" : ""}${each.rarity.toFixed(1)} σ · ${each.cosine.toFixed(2)}`)))));
  } catch (error) {
    if (error.name === "AbortError") return;
    trouble(error.message);
    $("#progress").textContent = "";
  }
}
