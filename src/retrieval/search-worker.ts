import { answerTasks } from '../base/worker.ts';
import { doShare } from './search-share.ts';

/** A thread of `searchTogether` and `coarsenTogether`. */
answerTasks(doShare);
