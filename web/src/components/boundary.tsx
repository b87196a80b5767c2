// A page that fails must not take the frame with it.
import { Component, type ComponentChildren } from 'preact'
import { Problem } from '../lib/api'
import { ProblemNote } from './basics'

export class Boundary extends Component<{ children: ComponentChildren }, { failed: string | null }> {
	override state = { failed: null }

	static override getDerivedStateFromError(error: unknown) {
		return { failed: String(error) }
	}

	override componentDidCatch(error: unknown): void {
		console.error(error)
	}

	override render() {
		if (this.state.failed === null) return this.props.children
		return <ProblemNote problem={new Problem(0, 'page_failed', `This page failed: ${this.state.failed}`)} again={() => this.setState({ failed: null })} />
	}
}
