import { answerTasks } from '../base/worker.ts';
import { searchShare } from './search-share.ts';

/** A thread of `searchTogether`. */
answerTasks(searchShare);
