import type { TopicPolicy } from '../../topics.ts'
import type { App } from '../app.ts'
import type { QueryDependencies } from '../dependencies.ts'
import { getComment } from './get-comment.ts'
import { getCounts } from './get-counts.ts'
import { getViewer } from './get-viewer.ts'
import { listComments } from './list-comments.ts'
import { listReplies } from './list-replies.ts'
import { listTopics } from './list-topics.ts'

/** The read calls. */
export function queries(app: App, dependencies: QueryDependencies, policy: TopicPolicy): void {
  for (const add of [listComments, listReplies, getComment, getViewer, listTopics]) add(app, dependencies)
  getCounts(app, dependencies, policy)
}
