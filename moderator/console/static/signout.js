// Signing out, on every page: by a request with the token, so that no other site can do it.

import { post, trouble } from "./api.js";
import { $, fill, h } from "./dom.js";

$("#sign-out").addEventListener("click", async () => {
  try {
    await post("/signout");
    fill(document.body, h("p", { class: "signed-out" }, "You are signed out of the console. Close this tab."));
  } catch (error) {
    trouble(error.message);
  }
});
