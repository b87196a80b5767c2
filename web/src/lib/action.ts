// Something a button does: one at a time, with what went wrong kept until the next try.
import { useState } from 'preact/hooks'
import { Problem } from './api'

export interface Action {
	busy: boolean
	problem: Problem | null
	/** Does it; what it throws becomes `problem`. Resolves to whether it went well. */
	run: (deed: () => Promise<unknown>) => Promise<boolean>
}

export function useAction(): Action {
	const [busy, setBusy] = useState(false)
	const [problem, setProblem] = useState<Problem | null>(null)
	const run = async (deed: () => Promise<unknown>) => {
		setBusy(true)
		setProblem(null)
		try {
			await deed()
			return true
		} catch (error) {
			setProblem(error instanceof Problem ? error : new Problem(0, 'unexpected', error instanceof Error ? error.message : String(error)))
			return false
		} finally {
			setBusy(false)
		}
	}
	return { busy, problem, run }
}

/** A document as it was written; a Problem says where it is no JSON. */
export function parsed(text: string): unknown {
	try {
		return JSON.parse(text)
	} catch (error) {
		throw new Problem(0, 'invalid_json', `This is not JSON yet: ${error instanceof Error ? error.message : error}`)
	}
}
