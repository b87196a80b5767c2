// Names of reps and teams: rows carry their ids.
import { useAnswer } from './answers'
import type { List } from './types'

interface Named {
	id: string
	name?: string | null
}

/** What people call a rep or a team; its id where nobody told us. */
export function useNames(kind: 'reps' | 'teams'): (id: string | null | undefined) => string {
	const answer = useAnswer<List<Named>>({ path: `/v1/${kind}`, query: { limit: 1000 } })
	const names = new Map(answer.data?.data.map(({ id, name }) => [id, name]))
	return id => (id ? (names.get(id) ?? id) : '–')
}
