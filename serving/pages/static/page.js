// Nothing here is needed to use the page: it adds keys, and remembers ticks and the name.
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
  for (const form of document.querySelectorAll('form[action="/feedback"], form.promotion')) {
    form.addEventListener("formdata", (event) => {
      if (name && name.value.trim()) event.formData.set("given_by", name.value.trim());
    });
  }
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

const ACTIONS = {
  a: () => press("a"),
  c: () => press("c"),
  d: () => press("d"),
  j: () => moveFocus(1),
  k: () => moveFocus(-1),
  i: () => document.querySelector(".brand").click(),
  "/": () => document.getElementById("q")?.focus(),
};

function listenForKeys() {
  const keys = document.querySelector(".keys");
  const box = document.getElementById("keys-on");
  const show = () => document.documentElement.classList.toggle("keyed", box.checked);
  keys.hidden = false;
  box.checked = remembered(KEYS_OFF) === null;
  show();
  box.addEventListener("change", () => {
    remember(KEYS_OFF, !box.checked);
    show();
  });
  document.addEventListener("keydown", (event) => {
    if (!box.checked || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (event.key === "Escape" && isTyping(event.target)) event.target.blur();
    if (isTyping(event.target) || !(event.key in ACTIONS)) return;
    event.preventDefault();
    ACTIONS[event.key]();
  });
}

keepTicks();
sendNameAlong();
listenForKeys();
