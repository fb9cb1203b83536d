// @ts-check
// The pairing page: writes the code in two groups of four, and has keys for devices without a keyboard.

const GROUP = 4;
const LENGTH = 8;

/** Returns a code as it is shown. @param {string} typed @returns {string} */
export function written(typed) {
  const letters = typed.toUpperCase().replace(/[^0-9A-Z]/g, "").slice(0, LENGTH);
  return letters.length > GROUP ? `${letters.slice(0, GROUP)}-${letters.slice(GROUP)}` : letters;
}

const keys = /** @type {HTMLElement | null} */ (document.querySelector(".pair-keys"));
const field = /** @type {HTMLInputElement | null} */ (document.getElementById(keys?.dataset.field ?? ""));

if (keys && field) {
  keys.hidden = false;
  field.value = written(field.value);
  field.addEventListener("input", () => {
    const atEnd = field.selectionStart === field.value.length;
    if (atEnd) field.value = written(field.value);
  });
  keys.addEventListener("click", (event) => {
    const key = /** @type {HTMLElement} */ (event.target).closest("button")?.dataset.key;
    if (!key) return;
    const letters = field.value.replace(/[^0-9A-Za-z]/g, "");
    field.value = written(key === "back" ? letters.slice(0, -1) : letters + key);
  });
}
