import { mount } from "svelte";

import "../style.css";
import { language } from "../lib/language";
import Candidate from "./Candidate.svelte";
import { recallContact } from "./contact.svelte";

document.documentElement.lang = language;
recallContact();
mount(Candidate, { target: document.body });
