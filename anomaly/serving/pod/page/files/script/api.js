// The server, by its documented endpoints. Addresses are relative, so that a prefix in front does no harm.

import { requested } from "./scale.js";

/** Why there is no answer: the API's stable `code` and its sentence, the HTTP status, and when to try again. */
export class ApiError extends Error {
  constructor(status, code, message, retryAfterS = null) {
    super(message);
    Object.assign(this, { status, code, retryAfterS });
  }
}

const KEY = "anomaly-key";

/** The key of this tab's session, or none. */
export function key() {
  return sessionStorage.getItem(KEY) ?? "";
}

/** Keep a key for this tab's session. */
export function keepKey(value) {
  sessionStorage.setItem(KEY, value);
}

/** GET health: it answers with 503 too while the models load. */
export async function health() {
  const response = await get("health");
  return { ready: response.ok, ...(await response.json()) };
}

/** GET info. */
export async function info() {
  const response = await get("info");
  const body = await response.json().catch(() => null);
  if (!response.ok) throw problem(response.status, body, response.headers.get("Retry-After"));
  return body;
}

/** POST detect with the file as its body; resolves to the answer, rejects with an ApiError. */
export function detect(file, { floor, scale, signal, onsent, onprogress }) {
  const fields = {
    confidence_threshold: floor, include_masks: true, mask_format: "polygon", include_centre_lines: true, ...requested(scale),
  };
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest(); // fetch does not tell how much was sent
    request.open("POST", address(`detect?${new URLSearchParams(fields)}`));
    request.setRequestHeader("Content-Type", file.type.startsWith("image/") ? file.type : "application/octet-stream");
    request.setRequestHeader("Accept", "application/json");
    if (key()) request.setRequestHeader("X-API-Key", key());
    request.upload.addEventListener("progress", (event) => onprogress(event.total ? event.loaded / event.total : 0));
    request.upload.addEventListener("load", onsent);
    request.addEventListener("load", () => {
      const body = parsed(request.responseText);
      if (request.status === 200 && body) resolve(body);
      else reject(problem(request.status, body, request.getResponseHeader("Retry-After")));
    });
    request.addEventListener("error", () => reject(new ApiError(0, "unreachable", "The server cannot be reached. Is it running, and are you online?")));
    request.addEventListener("abort", () => reject(new ApiError(0, "cancelled", "Cancelled.")));
    signal.addEventListener("abort", () => request.abort());
    request.send(file);
  });
}

function get(path) {
  return fetch(address(path), { headers: key() ? { "X-API-Key": key() } : {}, cache: "no-store" });
}

function address(path) {
  return new URL(path, document.baseURI);
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function problem(status, body, retryAfter) {
  const seconds = Number.parseFloat(retryAfter);
  const wait = Number.isFinite(seconds) ? seconds : null;
  if (body?.error?.message) return new ApiError(status, body.error.code, sentence(body.error.message), wait);
  return new ApiError(status, `http_${status}`, `The server, or something in front of it, answered with status ${status}.`, wait);
}

function sentence(text) {
  const long = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(long) ? long : `${long}.`;
}
