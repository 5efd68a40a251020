import { answerTasks } from '../base/worker.ts';
import { doAdamW } from './host-adamw.ts';

/** A thread of `HostAdamW`. */
answerTasks(doAdamW);
