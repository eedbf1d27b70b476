// A recent post in short: its text as text, its images blurred, its action.

import { action, ago, h, mediaOf, picture, theirs } from "./dom.js";

const MOST_IMAGES = 4;

/** What a card holds; `more` stands beside the action. */
export function postParts(post, ...more) {
  return [
    h("p", { class: "row" }, post.action ? action(post.action) : h("span", { class: "chip" }, "no verdict"), more,
      h("span", { class: "muted" }, ago(post.at))),
    post.text ? h("p", {}, theirs(post.text)) : null,
    h("div", { class: post.media > 1 ? "thumbs" : null },
      Array.from({ length: Math.min(post.media, MOST_IMAGES) }, (_, place) => picture(mediaOf(post), place, `image ${place + 1}`))),
    post.media > MOST_IMAGES ? h("p", { class: "muted" }, `and ${post.media - MOST_IMAGES} more attachments`) : null,
  ];
}
