// Nothing here is needed to use the page: it adds keys, refreshes lists, and remembers ticks and the
// name.
"use strict";

const KEYS_OFF = "precedent keys off";
const TICK = "precedent tick ";

function remembered(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null; // storage may be forbidden
  }
}

function remember(name, value) {
  try {
    if (value) localStorage.setItem(name, "1");
    else localStorage.removeItem(name);
  } catch {
    // the tick holds until the page is left
  }
}

function keepTicks() {
  for (const box of document.querySelectorAll("[data-tick]")) {
    const name = TICK + box.dataset.tick;
    box.checked = remembered(name) !== null;
    box.addEventListener("change", () => remember(name, box.checked));
  }
}

// Who has typed a name but not saved it means it all the same.
function sendNameAlong() {
  const name = document.getElementById("name");
  document.addEventListener("formdata", (event) => {
    const isNamed = event.target.matches('form[action="/feedback"], form.promotion, form[data-named]');
    if (isNamed && name && name.value.trim()) event.formData.set("given_by", name.value.trim());
  });
}

// A proposed fix that was changed is the person's own text, so it needs no confirmation.
function askToConfirmProposals() {
  const proposed = document.querySelector("textarea.is-proposal");
  const box = document.querySelector("input[name=confirmed]");
  if (!proposed || !box) return;
  const offered = proposed.value;
  const update = () => {
    const isChanged = proposed.value.trim() !== offered.trim();
    box.required = !isChanged;
    box.closest(".confirm").hidden = isChanged;
    proposed.classList.toggle("is-proposal", !isChanged);
  };
  proposed.addEventListener("input", update);
  update();
}

// The links in the address open the form that they name.
function openTargets() {
  const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target && target.matches("details")) target.open = true;
}

const failedSince = { at: null };

function isInUse(part) {
  const selection = getSelection();
  const isSelected = selection && !selection.isCollapsed && selection.containsNode(part, true);
  const isWritten = [...part.querySelectorAll("input, textarea")].some((field) =>
    field.value !== field.defaultValue || field.checked !== field.defaultChecked);
  return isSelected || isWritten || (part.contains(document.activeElement) && isTyping(document.activeElement));
}

function keyOf(element) {
  const form = element.closest("form");
  const sent = form ? [...form.querySelectorAll("input[type=hidden]")].map((field) => field.value) : [];
  return [element.tagName, element.id, element.getAttribute("href"), element.getAttribute("name"),
    element.closest("details[id]")?.id, ...sent].join("\n");
}

// Focus, opened parts and the place on the page stay as they are.
function replacePart(old, fresh) {
  if (old.innerHTML === fresh.innerHTML || isInUse(old)) return;
  const opened = [...old.querySelectorAll("details[open][id]")].map((part) => part.id);
  const focused = old.contains(document.activeElement) ? keyOf(document.activeElement) : null;
  const top = scrollY;
  for (const part of fresh.querySelectorAll("details[id]")) {
    if (opened.includes(part.id)) part.open = true;
  }
  old.replaceChildren(...fresh.childNodes);
  if (focused !== null) {
    const same = [...old.querySelectorAll("a, button, summary, input")].find((part) => keyOf(part) === focused);
    if (same) same.focus({ preventScroll: true });
  }
  scrollTo({ top, behavior: "instant" });
}

async function refresh() {
  try {
    const response = await fetch(location.href, { cache: "no-store", credentials: "same-origin" });
    const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
    const parts = [...document.querySelectorAll(".live")];
    if (!response.ok || !parts.every((part) => fresh.getElementById(part.id))) throw new Error();
    for (const part of parts) {
      const newest = fresh.getElementById(part.id);
      replacePart(part, newest);
      part.classList.toggle("live", newest.classList.contains("live"));
    }
    failedSince.at = null;
  } catch {
    failedSince.at ??= new Date().toISOString().slice(11, 16);
  }
  const note = document.getElementById("refresh-failed");
  const text = failedSince.at ? `This page could not be refreshed since ${failedSince.at}. Reload it.` : "";
  if (note && note.textContent !== text) note.textContent = text;
}

function keepFresh() {
  const part = document.querySelector(".live[data-refresh]");
  if (!part) return;
  let last = Date.now();
  const milliseconds = 1000 * Number(part.dataset.refresh);
  const tick = () => {
    if (document.hidden || !document.querySelector(".live") || Date.now() - last < milliseconds - 100) return;
    last = Date.now();
    refresh();
  };
  setInterval(tick, milliseconds);
  document.addEventListener("visibilitychange", tick);
}

function isTyping(element) {
  return element.matches("input:not([type=checkbox]), select, textarea, [contenteditable]");
}

function answerInFocus() {
  return document.activeElement.closest(".answer") || document.querySelector(".answer");
}

function press(key) {
  const answer = answerInFocus();
  const control = answer && answer.querySelector(`[data-key="${key}"]`);
  if (!control) return;
  control.click();
  if (key === "c") answer.querySelector(".correct select, .correct input[name=other]").focus();
}

function moveFocus(step) {
  const links = [...document.querySelectorAll("a.incident")];
  const at = links.indexOf(document.activeElement);
  const next = links[at < 0 ? 0 : Math.min(Math.max(at + step, 0), links.length - 1)];
  if (next) next.focus();
}

function toggleHelp() {
  const help = document.getElementById("keys");
  if (help.open) help.close();
  else help.showModal();
}

const ACTIONS = {
  a: () => press("a"),
  c: () => press("c"),
  d: () => press("d"),
  j: () => moveFocus(1),
  k: () => moveFocus(-1),
  i: () => document.querySelector(".brand").click(),
  "/": () => document.getElementById("q")?.focus(),
  "?": () => toggleHelp(),
};

function listenForKeys() {
  document.querySelector(".keys").hidden = false;
  document.getElementById("show-keys").addEventListener("click", toggleHelp);
  const box = document.getElementById("keys-on");
  const show = () => document.documentElement.classList.toggle("keyed", box.checked);
  box.checked = remembered(KEYS_OFF) === null;
  show();
  box.addEventListener("change", () => {
    remember(KEYS_OFF, !box.checked);
    show();
  });
  document.addEventListener("keydown", (event) => {
    if (!box.checked || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (event.key === "Escape" && isTyping(event.target)) event.target.blur();
    if (isTyping(event.target) || !Object.hasOwn(ACTIONS, event.key)) return;
    if (document.getElementById("keys").open && event.key !== "?") return;
    event.preventDefault();
    ACTIONS[event.key]();
  });
}

keepTicks();
sendNameAlong();
askToConfirmProposals();
openTargets();
keepFresh();
listenForKeys();
