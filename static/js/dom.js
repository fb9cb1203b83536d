// @ts-check
// What scripts find in a page: the named parts of an element, or a loud word that the template lost one.

/**
 * @template {Element} T
 * @param {ParentNode} root
 * @param {string} name value of data-part
 * @param {new () => T} type
 * @returns {T}
 */
export function part(root, name, type) {
  const found = root.querySelector(`[data-part="${name}"]`);
  if (!(found instanceof type)) throw new Error(`The page has no ${type.name} named ${name}.`);
  return found;
}

/**
 * Copies the single element of a <template>.
 * @param {ParentNode} root
 * @param {string} name
 * @returns {HTMLElement}
 */
export function copyOf(root, name) {
  const first = part(root, name, HTMLTemplateElement).content.firstElementChild;
  if (!first) throw new Error(`The template ${name} is empty.`);
  return /** @type {HTMLElement} */ (first.cloneNode(true));
}

/**
 * Shows a product's picture, or the sign for a product without one.
 * @param {ParentNode} root holds the parts "picture" and "no-picture"
 * @param {string | null} address
 */
export function showPicture(root, address) {
  const picture = part(root, "picture", HTMLImageElement);
  const sign = part(root, "no-picture", HTMLElement);
  const show = (/** @type {boolean} */ there) => {
    picture.hidden = !there;
    sign.hidden = there;
  };
  if (address === picture.getAttribute("src")) return;
  picture.onerror = () => show(false);
  picture.onload = () => show(true);
  show(Boolean(address));
  if (address) picture.src = address;
}

/** Returns Django's token against forged requests, which a form of the page holds. */
export function csrfToken() {
  const field = /** @type {HTMLInputElement | null} */ (document.querySelector("[name=csrfmiddlewaretoken]"));
  return field?.value ?? "";
}

/** Draws the eye to a line that has just come or changed. @param {HTMLElement} line */
export function lineStress(line) {
  line.classList.remove("fresh");
  void line.offsetWidth; // restarts the animation
  line.classList.add("fresh");
  line.scrollIntoView({ block: "nearest" });
}
