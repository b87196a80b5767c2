// A list page by page: what came stays, the next page is added below it.
import { useEffect, useState } from 'preact/hooks'
import { useAction } from './action'
import { useAnswer, type Answer } from './answers'
import { ask, target, type Problem, type Request } from './api'
import type { List } from './types'

const PAGE = 200

export interface Paged<T> extends Answer<List<T>> {
	rows: T[]
	/** Fetches the next page; null: this was the last one. */
	more: (() => void) | null
	fetching: boolean
	problem: Problem | null
}

interface Later<T> {
	of: string
	rows: T[]
	next: string | null
}

/** The first page as every answer, the others when they are asked for. Another question begins anew. */
export function usePages<T>(request: Request | null): Paged<T> {
	const first = request && { ...request, query: { limit: PAGE, ...request.query } }
	const name = first ? target(first) : ''
	const answer = useAnswer<List<T>>(first)
	const [later, setLater] = useState<Later<T> | null>(null)
	const { busy, problem, run } = useAction()
	useEffect(() => {
		setLater(null)
	}, [name, answer.at])

	const mine = later?.of === name ? later : null
	const next = mine ? mine.next : (answer.data?.next ?? null)
	const more = () => {
		if (!first || busy) return
		void run(async () => {
			const page = await ask<List<T>>({ ...first, query: { ...first.query, cursor: next } })
			setLater({ of: name, rows: [...(mine?.rows ?? []), ...page.data], next: page.next })
		})
	}
	return { ...answer, rows: [...(answer.data?.data ?? []), ...(mine?.rows ?? [])], more: next === null ? null : more, fetching: busy, problem }
}
