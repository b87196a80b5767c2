// One of few: links that set a parameter of the address, so that what is picked can be sent to somebody else.
import { href, useLocation } from '../lib/router'

interface Props {
	label: string
	/** The parameter of the address; the first option stands for its absence. */
	name: string
	options: readonly (readonly [value: string, label: string])[]
}

export function useChoice(name: string, options: Props['options']): string {
	const given = useLocation().query[name]
	return options.some(([value]) => value === given) ? given! : options[0]![0]
}

export function Choice({ label, name, options }: Props) {
	const { path, query } = useLocation()
	const chosen = useChoice(name, options)
	return (
		<nav class="choice" aria-label={label}>
			{options.map(([value, text], at) => (
				<a key={value} href={href(path, { ...query, [name]: at === 0 ? '' : value })} aria-current={value === chosen ? 'true' : undefined}>{text}</a>
			))}
		</nav>
	)
}
