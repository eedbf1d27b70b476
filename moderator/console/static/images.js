// An image that somebody chooses, drops or pastes: sent once, then asked for by its name.

import { post, trouble } from "./api.js";
import { $, fill, h } from "./dom.js";

/** The page's field for an image: `changed` is told when there is another one, or none. */
export function imageField(changed) {
  const zone = $("#drop");
  const input = $("#image");
  const preview = $("#preview");
  const clear = $("#clear-image");
  const field = { name: null };
  let shown = null;

  const show = (file) => {
    if (shown) URL.revokeObjectURL(shown);
    shown = file ? URL.createObjectURL(file) : null;
    fill(preview, file ? h("img", { src: shown, alt: "The image to try" }) : null);
    clear.hidden = !file;
  };
  const take = async (file) => {
    try {
      const { image } = await post("/api/images", file);
      field.name = image;
      show(file);
      trouble(null);
      changed();
    } catch (error) {
      trouble(error.message);
    }
  };

  input.addEventListener("change", () => input.files[0] && take(input.files[0]));
  clear.addEventListener("click", () => {
    field.name = null;
    input.value = "";
    show(null);
    input.focus();
    changed();
  });
  for (const kind of ["dragenter", "dragover"]) {
    zone.addEventListener(kind, (event) => {
      event.preventDefault();
      zone.classList.add("over");
    });
  }
  for (const kind of ["dragleave", "drop"]) zone.addEventListener(kind, () => zone.classList.remove("over"));
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    const file = event.dataTransfer.files[0];
    if (file) take(file);
  });
  document.addEventListener("paste", (event) => {
    const file = [...event.clipboardData.files].find((each) => each.type.startsWith("image/"));
    if (file) take(file);
  });
  return field;
}
