// The one way to the API. Answers come with their time; errors are what the API says about them (RFC 9457).
import { queryText } from './router'
import { Store } from './store'

export interface FieldProblem {
	pointer: string
	code: string
	message: string
}

/** What went wrong: the API's own words, or what kept us from it (status 0). */
export class Problem extends Error {
	constructor(
		readonly status: number,
		readonly code: string,
		readonly detail: string,
		readonly requestId: string | null = null,
		readonly errors: FieldProblem[] = []
	) {
		super(detail)
	}
}

export interface Request {
	path: string
	query?: Record<string, unknown>
	method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
	/** Sent as JSON. */
	body?: unknown
	/** Instead of the session. */
	key?: string
	format?: 'json' | 'csv'
}

/** Becomes true when an answer says that nobody is signed in any more. */
export const signedOut = new Store(false)

const RETRIES = 3
const LONGEST_WAIT_S = 8

/** The path and query of a request. */
export function target({ path, query = {}, format }: Request): string {
	const text = queryText(format === 'csv' ? { ...query, format } : query)
	return text ? `${path}?${text}` : path
}

/** The same question at a terminal. */
export function asCurl(request: Request): string {
	const quote = (text: string) => `'${text.replace(/'/g, `'\\''`)}'`
	const parts = ['curl -H "Authorization: Bearer $PLUMBLINE_KEY"']
	if (request.method && request.method !== 'GET') parts.push(`-X ${request.method}`)
	if (request.body !== undefined) parts.push("-H 'Content-Type: application/json'", `-d ${quote(JSON.stringify(request.body))}`)
	parts.push(quote(location.origin + target(request)))
	return parts.join(' ')
}

const pause = (seconds: number, signal?: AbortSignal) =>
	new Promise<void>((resolve, reject) => {
		const timer = setTimeout(resolve, seconds * 1000)
		signal?.addEventListener('abort', () => {
			clearTimeout(timer)
			reject(signal.reason)
		})
	})

async function problemOf(response: Response): Promise<Problem> {
	const about = await response.json().catch(() => null)
	return new Problem(response.status, about?.code ?? `http_${response.status}`, about?.detail ?? about?.title ?? response.statusText,
		about?.request_id ?? response.headers.get('X-Request-Id'), about?.errors ?? [])
}

/** The raw answer, always a 2xx. What says "later" (503, 429) is asked again, a read also after a lost connection. */
export async function send(request: Request, signal?: AbortSignal): Promise<Response> {
	const method = request.method ?? 'GET'
	const headers: Record<string, string> = { 'X-Requested-With': 'plumbline' }
	if (request.body !== undefined) headers['Content-Type'] = 'application/json'
	if (request.key) headers['Authorization'] = `Bearer ${request.key}`
	for (let tries = 1; ; tries++) {
		let response: Response
		try {
			response = await fetch(target(request), { method, headers, body: request.body === undefined ? null : JSON.stringify(request.body), signal: signal ?? null, credentials: 'same-origin' })
		} catch (error) {
			if (signal?.aborted) throw error
			if (method !== 'GET' || tries > RETRIES) throw new Problem(0, 'unreachable', 'The service does not answer. Is it running, and is the network there?')
			await pause(tries, signal)
			continue
		}
		if (response.ok) return response
		const later = response.status === 503 || response.status === 429
		if (later && tries <= RETRIES) {
			await pause(Math.min(Number(response.headers.get('Retry-After')) || tries, LONGEST_WAIT_S), signal)
			continue
		}
		if (response.status === 401 && !request.key) signedOut.set(true)
		throw await problemOf(response)
	}
}

export async function ask<T>(request: Request, signal?: AbortSignal): Promise<T> {
	const response = await send(request, signal)
	return (response.status === 204 ? null : await response.json()) as T
}

/** Saves the CSV of a request as a file. */
export async function download(request: Request, name: string): Promise<void> {
	const response = await send({ ...request, format: 'csv' })
	const address = URL.createObjectURL(await response.blob())
	const link = document.createElement('a')
	link.href = address
	link.download = `${name}.csv`
	link.click()
	setTimeout(() => URL.revokeObjectURL(address), 10_000)
}
