// What a page asks, kept: the old answer stays in sight while a new one is fetched, and says how old it is.
import { useEffect, useRef, useState } from 'preact/hooks'
import { ask, Problem, target, type Request } from './api'

export interface Answer<T> {
	/** The newest answer there is: to this question or, while `stale`, perhaps to the one before. */
	data: T | null
	error: Problem | null
	/** Being fetched. */
	loading: boolean
	/** What is shown is not the answer to the present question as of now: it is being fetched, or could not be. */
	stale: boolean
	/** When `data` was fetched, in milliseconds. */
	at: number | null
	request: Request | null
	/** Asks again. */
	refresh: () => void
}

interface Kept {
	data: unknown
	at: number
}

const KEPT = 60
const kept = new Map<string, Kept>()

function keep(name: string, data: unknown): Kept {
	kept.delete(name)
	kept.set(name, { data, at: Date.now() })
	const oldest = kept.keys().next().value
	if (kept.size > KEPT && oldest !== undefined) kept.delete(oldest)
	return kept.get(name)!
}

/** Forgets every answer: another session may see other things. */
export const forgetAnswers = (): void => kept.clear()

const nameOf = (request: Request): string => `${request.method ?? 'GET'} ${target(request)} ${request.body === undefined ? '' : JSON.stringify(request.body)}`

/** Asks when the page appears and whenever the question changes; a question that is no longer asked is given up. null: nothing to ask yet. */
export function useAnswer<T>(request: Request | null): Answer<T> {
	const name = request ? nameOf(request) : null
	const [, redraw] = useState(0)
	const [round, setRound] = useState(0)
	const shown = useRef<Kept | null>(null)
	const state = useRef<{ name: string | null; error: Problem | null; loading: boolean }>({ name: null, error: null, loading: false })

	if (state.current.name !== name) {
		state.current = { name, error: null, loading: name !== null }
		const known = name === null ? null : kept.get(name)
		if (known) shown.current = known
	}

	useEffect(() => {
		if (!request || name === null) return
		const giveUp = new AbortController()
		const update = (change: Partial<typeof state.current>) => {
			state.current = { ...state.current, ...change }
			redraw(count => count + 1)
		}
		update({ loading: true })
		ask<T>(request, giveUp.signal).then(
			data => {
				shown.current = keep(name, data)
				update({ error: null, loading: false })
			},
			error => {
				if (giveUp.signal.aborted) return
				update({ error: error instanceof Problem ? error : new Problem(0, 'unexpected', String(error)), loading: false })
			}
		)
		return () => giveUp.abort()
	}, [name, round])

	const { error, loading } = state.current
	return {
		data: (shown.current?.data ?? null) as T | null,
		error, loading,
		stale: shown.current !== null && (loading || error !== null),
		at: shown.current?.at ?? null,
		request,
		refresh: () => setRound(count => count + 1)
	}
}
