"use strict";
// Elements, and values in words. Names of nodes and messages come from projects: they become text, never markup.

const SIGNS = { success: "✓", warning: "!", failed: "✕", skipped: "–", unfinished: "…", none: "·" };
const OUTCOMES = ["failed", "warning", "unfinished", "skipped", "success"];

function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return made;
}

function svg(tag, properties = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

function state(outcome, text = outcome) {
  return element("span", { class: `state ${outcome}` }, `${SIGNS[outcome] ?? ""} ${text}`.trim());
}

function duration(ms) {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const seconds = ms / 1000;
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 2 : 1)} s`;
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  const rest = `${String(Math.floor(seconds % 60)).padStart(2, "0")} s`;
  return hours ? `${hours} h ${String(minutes).padStart(2, "0")} min` : `${minutes} min ${rest}`;
}

// A time since the begin, on an axis with such steps.
function tick(ms, step) {
  const seconds = ms / 1000;
  if (seconds < 120 || step < 1000) return `${Number(seconds.toFixed(3))} s`;
  const [hours, minutes, rest] = [seconds / 3600, (seconds / 60) % 60, seconds % 60].map(Math.floor);
  const padded = (part) => String(part).padStart(2, "0");
  return hours ? `${hours}:${padded(minutes)}:${padded(rest)}` : `${minutes}:${padded(rest)}`;
}

function moment(ms) {
  return `${new Date(ms).toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

function count(number, one, many = `${one}s`) {
  return `${number.toLocaleString("en")} ${number === 1 ? one : many}`;
}

function shortened(text, length) {
  if (text.length <= length) return text;
  const kept = Math.floor((length - 1) / 2);
  return `${text.slice(0, length - 1 - kept)}…${text.slice(text.length - kept)}`;
}
