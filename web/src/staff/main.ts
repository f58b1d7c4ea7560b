import { mount } from "svelte";

import "../style.css";
import { language } from "../lib/language";
import Staff from "./Staff.svelte";

document.documentElement.lang = language;
mount(Staff, { target: document.body });
