// @ts-check
// Looks products up by their name or barcode, or by what they look like, and makes rows to tap.

import { copyOf, part, showPicture } from "../dom.js";
import { addressOf, money, options, say } from "../options.js";

/** @typedef {import("../connection/protocol.js").Choice} Choice */
/** @typedef {{product_id: string, name: string, price: string | null, images: {url: string}[]}} Found */

/** @param {string} address @param {AbortSignal} signal */
async function asked(address, signal) {
  const answer = await fetch(address, { signal, headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(`${address}: ${answer.status}`);
  return answer.json();
}

/** @param {string} query name or barcode @param {AbortSignal} signal @returns {Promise<Found[]>} */
export async function productsFind(query, signal) {
  const parameters = new URLSearchParams({ q: query, active: "true" });
  return (await asked(`${options.products_path}?${parameters}`, signal)).results;
}

/** Returns what a line may be in truth, likeliest first. @param {string} productId @param {AbortSignal} signal */
export async function productsLikely(productId, signal) {
  return /** @type {Choice[]} */ ((await asked(addressOf(options.likely_path, productId), signal)).products);
}

/**
 * Makes a row with picture and name that can be tapped.
 * @param {ParentNode} root holds the template
 * @param {string} template
 * @param {{name: string, image: string | null}} product
 * @param {(event: Event) => void} onTap
 */
export function productRow(root, template, { name, image }, onTap) {
  const row = copyOf(root, template);
  part(row, "name", HTMLElement).textContent = name;
  showPicture(row, image);
  row.querySelector("button")?.addEventListener("click", onTap);
  return row;
}

/**
 * Makes a row with picture, name and price that can be tapped.
 * @param {ParentNode} root holds the template
 * @param {string} template
 * @param {Choice} choice
 * @param {string} currency
 * @param {(event: Event) => void} onTap
 */
export function choiceRow(root, template, choice, currency, onTap) {
  const row = productRow(root, template, choice, onTap);
  part(row, "price", HTMLElement).textContent = priceText(choice.price ?? null, currency);
  return row;
}

/** @param {string | null} price @param {string} currency */
export function priceText(price, currency) {
  return price === null ? say("no_price") : money(price, currency);
}
