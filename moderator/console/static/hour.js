// Verdicts by minute and action, as bars.

import { action, fill } from "./dom.js";

const SVG = "http://www.w3.org/2000/svg";
const ORDER = ["block", "review", "other", "allow"];
let drawn = "";

const svg = (name, attributes) => {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
};

/** `minutes`: counts by action, the oldest first. */
export function draw(place, legend, minutes) {
  const now = JSON.stringify(minutes);
  if (now === drawn || !minutes.length) return;
  drawn = now;
  const grouped = minutes.map((counts) => {
    const group = { block: 0, review: 0, other: 0, allow: 0 };
    for (const [name, count] of Object.entries(counts)) group[name in group ? name : "other"] += count;
    return group;
  });
  const totals = grouped.map((group) => ORDER.reduce((sum, name) => sum + group[name], 0));
  const most = Math.max(1, ...totals);
  const chart = svg("svg", { viewBox: `0 0 ${minutes.length * 10} 100`, preserveAspectRatio: "none", role: "img" });
  const all = totals.reduce((sum, count) => sum + count, 0);
  chart.setAttribute("aria-label", `${all.toLocaleString("en")} verdicts in the last hour, ${most.toLocaleString("en")} in the fullest minute`);
  grouped.forEach((group, minute) => {
    let top = 100;
    for (const name of ORDER) {
      const height = (group[name] / most) * 98;
      if (!height) continue;
      top -= height;
      chart.append(svg("rect", { x: minute * 10 + 1, width: 8, y: top, height, class: `bar-${name}` }));
    }
  });
  fill(place, chart);
  const sums = {};
  for (const counts of minutes) for (const [name, count] of Object.entries(counts)) sums[name] = (sums[name] ?? 0) + count;
  fill(legend, Object.entries(sums).sort().map(([name, count]) => {
    const chip = action(name);
    chip.append(` ${count.toLocaleString("en")}`);
    return chip;
  }));
}
