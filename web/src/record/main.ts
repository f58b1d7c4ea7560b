import { mount } from "svelte";

import "../style.css";
import { language } from "../lib/language";
import Record from "./Record.svelte";

document.documentElement.lang = language;
mount(Record, { target: document.body });
