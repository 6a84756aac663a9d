import type { App } from '../app.ts'
import type { CommandDependencies } from '../dependencies.ts'
import { deleteComment } from './delete-comment.ts'
import { editComment } from './edit-comment.ts'
import { likeComment } from './like-comment.ts'
import { pinComment } from './pin-comment.ts'
import { postComment } from './post-comment.ts'
import { reportComment } from './report-comment.ts'
import { setVisibility } from './set-visibility.ts'

/** The write calls. */
export function commands(app: App, dependencies: CommandDependencies): void {
  for (const add of [postComment, editComment, deleteComment, likeComment, pinComment, reportComment, setVisibility]) add(app, dependencies)
}
