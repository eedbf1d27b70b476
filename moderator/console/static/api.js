// Questions to the server. Both throw an Error whose message can be shown.

import { $ } from "./dom.js";

const token = $("meta[name=csrf]").content;

export const get = (path, options = {}) => ask(path, options);

/** Send JSON, or a FormData or Blob as it is. */
export const post = (path, body = {}, options = {}) => {
  const plain = body instanceof FormData || body instanceof Blob;
  const headers = { "X-CSRF-Token": token };
  if (!plain) headers["Content-Type"] = "application/json";
  return ask(path, { ...options, method: "POST", headers, body: plain ? body : JSON.stringify(body) });
};

async function ask(path, options) {
  let answer;
  try {
    answer = await fetch(path, { ...options, headers: { Accept: "application/json", ...options.headers } });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("the console does not answer");
  }
  const value = await answer.json().catch(() => ({}));
  if (answer.ok) return value;
  const error = new Error(value.error ?? `the console answered ${answer.status}`);
  error.status = answer.status;
  error.value = value;
  throw error;
}

/** Show what is wrong on top of the page, or nothing. */
export function trouble(message) {
  const line = $("#trouble");
  if (line.textContent !== (message ?? "")) line.textContent = message ?? "";
  line.hidden = !message;
}
