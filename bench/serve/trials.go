package main

func trials() []*trial {
	return []*trial{fanOutTrial(), thousandsTrial()}
}
