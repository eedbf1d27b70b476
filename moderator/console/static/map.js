// The map of recent posts and rules: choose a cluster by mouse, keys or table, and read what is in it.

import { get, post, trouble } from "./api.js";
import { postParts } from "./cards.js";
import { $, action, fill, h, theirs, visible } from "./dom.js";
import { keep } from "./draft.js";
import { svg } from "./scale.js";

const WIDE = 1000, HIGH = 640, EDGE = 40, LISTED = 40, TABLED = 100;
const picture = $("#picture");
const points = svg("g");
const stars = svg("g");
const lasso = svg("rect", { class: "lasso", visibility: "hidden" });
const cursor = svg("circle", { class: "cursor", r: 11, visibility: "hidden" });
picture.append(points, stars, lasso, cursor);

let dots = []; // { x, y, post, channels, element }
let chosen = new Set(); // keys
let at = -1; // of the keyboard's cursor

async function load() {
  $("#again").disabled = true;
  try {
    for (;;) {
      const answer = await get("/api/map");
      trouble(null);
      draw(answer);
      $("#progress").textContent = told(answer);
      if (!answer.left) break;
    }
  } catch (error) {
    trouble(error.message);
  } finally {
    $("#again").disabled = false;
  }
}

function told(answer) {
  if (!answer.posts.length) return answer.left ? "Reading posts …" : "Three posts are needed for a map; there are fewer yet.";
  const apart = answer.apart ? `, ${answer.apart} more have nothing that can be read` : "";
  const left = answer.left ? `; ${answer.left.toLocaleString("en")} still to be read` : "";
  return `${answer.posts.length.toLocaleString("en")} posts and ${answer.rules.length} rules${apart}${left}.`;
}

function draw({ posts, rules }) {
  const all = [...posts, ...rules];
  const fit = (name, size) => {
    const values = all.map((each) => each[name]);
    const least = values.reduce((a, b) => Math.min(a, b), Infinity);
    const spread = values.reduce((a, b) => Math.max(a, b), -Infinity) - least || 1;
    return (value) => EDGE + ((value - least) / spread) * (size - 2 * EDGE);
  };
  const across = fit("x", WIDE), down = fit("y", HIGH);
  dots = posts.map((each) => {
    const x = across(each.x), y = HIGH - down(each.y);
    const element = mark(each, x, y);
    return { ...each, x, y, element };
  });
  fill(points, dots.map((dot) => dot.element));
  fill(stars, labelled(rules.map((rule) => ({ ...rule, x: across(rule.x), y: HIGH - down(rule.y) }))));
  chosen = new Set(dots.map((dot) => dot.post.key).filter((key) => chosen.has(key)));
  at = -1;
  cursor.setAttribute("visibility", "hidden");
  choose(chosen);
  tabulate();
}

function mark({ channels, post: { action: name } }, x, y) {
  const kind = `dot ${["allow", "review", "block"].includes(name) ? name : ""}`;
  if (channels === "image") return svg("rect", { class: kind, x: x - 4.5, y: y - 4.5, width: 9, height: 9 });
  if (channels === "text") return svg("circle", { class: kind, cx: x, cy: y, r: 5 });
  return svg("path", { class: kind, d: `M${x} ${y - 7}L${x + 7} ${y}L${x} ${y + 7}L${x - 7} ${y}Z` });
}

const STAR = Array.from({ length: 10 }, (_, n) => {
  const r = n % 2 ? 4 : 10, a = (n * Math.PI) / 5 - Math.PI / 2;
  return [r * Math.cos(a), r * Math.sin(a)];
});

/** Stars with their names, where these do not lie on one another. */
function labelled(rules) {
  const taken = rules.map(({ x, y }) => ({ x: x - 10, y: y + 5, wide: 20 }));
  return rules.flatMap((rule) => {
    const name = visible(rule.id.split("/")[1]), wide = name.length * 7.4;
    const star = svg("path", { class: "star", d: `M${STAR.map(([x, y]) => `${rule.x + x} ${rule.y + y}`).join("L")}Z` });
    star.append(svg("title", {}, visible(rule.id)));
    const places = [[13, 5], [-13 - wide, 5], [-wide / 2, -14], [-wide / 2, 24]]
      .map(([dx, dy]) => ({ x: rule.x + dx, y: rule.y + dy }))
      .filter(({ x, y }) => x > 2 && x + wide < WIDE - 2 && y > 12 && y < HIGH - 4);
    const free = places.find(({ x, y }) => taken.every((t) => x + wide < t.x || t.x + t.wide < x || Math.abs(y - t.y) > 15));
    if (!free) return [star];
    taken.push({ ...free, wide });
    return [star, svg("text", { x: free.x, y: free.y }, name)];
  });
}

function choose(keys) {
  chosen = keys;
  for (const dot of dots) dot.element.classList.toggle("chosen", keys.has(dot.post.key));
  const known = new Map(dots.map((dot) => [dot.post.key, dot]));
  const found = [...keys].map((key) => known.get(key)).filter(Boolean); // the nearest first
  $("#chosen-title").textContent = found.length ? `${found.length.toLocaleString("en")} posts chosen` : "Nothing chosen";
  $("#hint").hidden = found.length > 0;
  $("#clear").hidden = !found.length;
  if ($("#start")) $("#start").hidden = !found.length;
  fill($("#shares"), shares(found));
  fill($("#found"), found.slice(0, LISTED).map((dot) => h("li", {}, postParts(dot.post))),
    found.length > LISTED ? h("li", { class: "muted" }, `and ${(found.length - LISTED).toLocaleString("en")} more`) : null);
}

function shares(found) {
  const counts = new Map();
  for (const { post: { action: name } } of found) counts.set(name ?? "no verdict", (counts.get(name ?? "no verdict") ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1]).map(([name, count]) => h("span", { class: "row" }, action(name), String(count)));
}

async function near(key) {
  try {
    choose(new Set((await get(`/api/map/near/${key}`)).posts));
    trouble(null);
  } catch (error) {
    trouble(error.message);
  }
}

// by mouse: a rectangle, or a click for what is near

let from = null;
const where = (event) => {
  const box = picture.getBoundingClientRect();
  return { x: ((event.clientX - box.left) / box.width) * WIDE, y: ((event.clientY - box.top) / box.height) * HIGH };
};
const frame = (to) => ({
  left: Math.min(from.x, to.x), right: Math.max(from.x, to.x), top: Math.min(from.y, to.y), bottom: Math.max(from.y, to.y),
});
picture.addEventListener("pointerdown", (event) => {
  if (event.button) return;
  from = where(event);
  picture.setPointerCapture(event.pointerId);
});
picture.addEventListener("pointermove", (event) => {
  if (!from) return;
  const { left, right, top, bottom } = frame(where(event));
  const box = { x: left, y: top, width: right - left, height: bottom - top, visibility: "visible" };
  for (const [name, value] of Object.entries(box)) lasso.setAttribute(name, value);
});
picture.addEventListener("pointerup", (event) => {
  if (!from) return;
  const to = where(event), { left, right, top, bottom } = frame(to);
  lasso.setAttribute("visibility", "hidden");
  from = null;
  if (right - left > 6 || bottom - top > 6) {
    const inside = dots.filter(({ x, y }) => x >= left && x <= right && y >= top && y <= bottom);
    choose(new Set(inside.map((dot) => dot.post.key)));
  } else if (dots.length) {
    const distance = (dot) => Math.hypot(dot.x - to.x, dot.y - to.y);
    const nearest = dots.reduce((best, dot) => (distance(dot) < distance(best) ? dot : best));
    if (distance(nearest) < 30) near(nearest.post.key);
  }
});
picture.addEventListener("pointercancel", () => {
  from = null;
  lasso.setAttribute("visibility", "hidden");
});

// by keys: arrows go to the next post that way, Enter chooses what is near it

const WAYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
picture.addEventListener("keydown", (event) => {
  if (event.key === "Escape") choose(new Set());
  else if (event.key === "Enter" && at >= 0) near(dots[at].post.key);
  else if (WAYS[event.key] && dots.length) move(WAYS[event.key]);
  else return;
  event.preventDefault();
});

function move([dx, dy]) {
  const here = at < 0 ? { x: WIDE / 2, y: HIGH / 2 } : dots[at];
  let best = -1, least = Infinity;
  dots.forEach((dot, place) => {
    const along = (dot.x - here.x) * dx + (dot.y - here.y) * dy;
    const aside = Math.abs((dot.x - here.x) * dy) + Math.abs((dot.y - here.y) * dx);
    if (place !== at && along > 0.5 && along + 2 * aside < least) [best, least] = [place, along + 2 * aside];
  });
  if (best < 0) return;
  at = best;
  const dot = dots[at];
  cursor.setAttribute("cx", dot.x);
  cursor.setAttribute("cy", dot.y);
  cursor.setAttribute("visibility", "visible");
  $("#said").textContent = `${dot.post.action ?? "no verdict"}, ${dot.channels}: ${visible(dot.post.text.slice(0, 120)) || "an image"}`;
}

// as a table

function tabulate() {
  const wanted = $("#filter").value.trim().toLowerCase();
  const found = dots.filter((dot) => !wanted || dot.post.text.toLowerCase().includes(wanted));
  fill($("#rows"), found.slice(0, TABLED).map((dot) => h("tr", {},
    h("td", {}, dot.post.action ? action(dot.post.action) : "–"),
    h("td", {}, dot.channels),
    h("td", {}, dot.post.text ? theirs(dot.post.text.slice(0, 140)) : h("span", { class: "muted" }, "no text")),
    h("td", {}, h("button", { type: "button", class: "linkish", onclick: () => near(dot.post.key) }, "Choose what is near")))));
  $("#tabled").textContent = found.length > TABLED ? `The first ${TABLED} of ${found.length.toLocaleString("en")}.` : "";
}

$("#filter").addEventListener("input", tabulate);
$("#again").addEventListener("click", load);
$("#clear").addEventListener("click", () => choose(new Set()));
$("#start")?.addEventListener("click", async () => {
  try {
    const { draft } = await post("/api/map/draft", { posts: [...chosen] });
    keep(draft);
    const first = dots.find((dot) => chosen.has(dot.post.key) && dot.post.text);
    if (first) sessionStorage.setItem("text", first.post.text);
    location.assign("/playground");
  } catch (error) {
    trouble(error.message);
  }
});

load();
