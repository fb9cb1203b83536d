// @ts-check
// What the server told the console beyond what every page is told.

import { options } from "../options.js";

/** @type {{picture_path: string, pairing_path: string}} */
export const staffOptions = /** @type {any} */ (options);
