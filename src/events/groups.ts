/** The groups that must exist on every stream: one a read model. The registry in Redis adds those of later generations. */
export const groupNames = ['store', 'counts', 'likes', 'feed'] as const
export type GroupName = (typeof groupNames)[number]
